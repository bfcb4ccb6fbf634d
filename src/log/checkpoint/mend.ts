import { Writer } from '../../base/index.ts'
import { DiskError, type Disk, type DiskFile } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { writeDurably } from '../span/index.ts'
import { Copies } from './copies.ts'
import { checkpointPaths, writeBody, writeFooter, type CheckpointFooter } from './format.ts'
import { eachBody, eachRecord, footerOf } from './reader.ts'

const flushBytes = 256 * 1024
const ignore = (): void => undefined

export interface BadCopy {
  path: string
  why: Damaged
  missing: boolean
}

/** Which of the two files of a checkpoint is not whole by itself. Reads both to their end. */
export async function badCopies(disk: Disk, number: number): Promise<BadCopy[]> {
  const bad: BadCopy[] = []
  for (const path of checkpointPaths(number)) {
    try {
      const { records } = await footerOf(disk, number, ignore, [path])
      const found = await eachRecord(disk, number, ignore, ignore, [path])
      if (found !== records) throw new Damaged(path, 0, `has ${found} of ${records} records`)
    } catch (error) {
      if (error instanceof Damaged) bad.push({ path, why: error, missing: false })
      else if (error instanceof DiskError) bad.push(unreadable(path, error))
      else throw error
    }
  }
  return bad
}

function unreadable(path: string, error: DiskError): BadCopy {
  const missing = error.kind === 'notFound'
  return { path, why: new Damaged(path, 0, missing ? 'is missing' : error.message), missing }
}

/**
 * Writes the files of a checkpoint again that are bad or missing, from what is whole in either. Returns which. Rejects
 * with `Damaged` when something is whole in none, or with a `DiskError`.
 */
export async function mendCheckpoint(disk: Disk, number: number): Promise<string[]> {
  const footer = await footerOf(disk, number)
  const mended: string[] = []
  for (const { path } of await badCopies(disk, number)) {
    await writeDurably(disk, path, (file) => writeAgain(disk, footer, file))
    mended.push(path)
  }
  return mended
}

async function writeAgain(disk: Disk, footer: CheckpointFooter, file: DiskFile): Promise<void> {
  const copies = new Copies(disk, footer.number, ignore)
  let out = new Writer(flushBytes + 4096)
  let position = 0
  const flush = async (): Promise<void> => {
    const bytes = out.view()
    out = new Writer(flushBytes + 4096)
    await file.write(bytes, position)
    position += bytes.length
  }
  try {
    const records = await eachBody(copies, (body) => {
      writeBody(out, body)
      return out.length >= flushBytes ? flush() : undefined
    })
    if (records !== footer.records) throw new Damaged(file.path, 0, `has ${records} of ${footer.records} records`)
    writeFooter(out, footer, position + out.length)
    await flush()
  } finally {
    await copies.close()
  }
}
