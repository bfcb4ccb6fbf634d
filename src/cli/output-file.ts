import { basename, dirname } from 'node:path'
import { NodeDisk, writeOutputBytes } from '../world/node/index.ts'
import { UserError } from './command.ts'

/** Where bytes go one after the other. `done`: all of it is safe there; `abandon`: nothing of it stays. */
export interface Output {
  write(chunk: Uint8Array): Promise<void>
  done(): Promise<void>
  abandon(): Promise<void>
}

export const standardOutput: Output = {
  write: writeOutputBytes,
  done: () => Promise.resolve(),
  abandon: () => Promise.resolve(),
}

/** A new file, which has its name only when it is whole and on the disk. Until then it is `NAME.PID.partial`. */
export async function newFile(path: string): Promise<Output> {
  const folder = dirname(path)
  const name = basename(path)
  const disk = new NodeDisk(folder)
  if ((await disk.stat('.')) === null) throw new UserError(`${folder}: there is no such folder`)
  const free = async (): Promise<void> => {
    if ((await disk.stat(name)) !== null) throw new UserError(`${path} is there already, and is not written over`)
  }
  await free()
  const partial = `${name}.${process.pid}.partial`
  const file = await disk.open(partial, 'create')
  let position = 0
  return {
    write: async (chunk) => {
      await file.write(chunk, position)
      position += chunk.length
    },
    done: async () => {
      await file.sync()
      await file.close()
      await free()
      await disk.rename(partial, name)
      await disk.syncFolder('.')
    },
    abandon: async () => {
      await disk.remove(partial)
      await file.close().catch(() => undefined)
    },
  }
}

const stepBytes = 1024 * 1024

/** The bytes of a file that is there. */
export async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const disk = new NodeDisk(dirname(path))
  if ((await disk.stat(basename(path))) === null) throw new UserError(`${path}: there is no such file`)
  const file = await disk.open(basename(path), 'read')
  try {
    for (let at = 0; ;) {
      const piece = Buffer.allocUnsafeSlow(stepBytes)
      const read = await file.read(piece, at)
      if (read === 0) return
      yield piece.subarray(0, read)
      at += read
    }
  } finally {
    await file.close()
  }
}
