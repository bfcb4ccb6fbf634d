import { MalformedError } from '../../base/index.ts'
import type { Disk, DiskFile } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { writtenByNewer } from '../refused.ts'
import { Copies, type Told } from './copies.ts'
import {
  checkpointFolder,
  checkpointOfName,
  checkpointPath,
  checkpointPaths,
  checkpointVersion,
  owner,
  readFooter,
  readRecord,
  readTailMark,
  recordHeadBytes,
  tailBytes,
  type CheckpointFooter,
  type CheckpointRecord,
} from './format.ts'

const ignore = (): void => undefined

/** The checkpoints there are, newest first, and the names of files that are none. */
export async function listCheckpoints(disk: Disk): Promise<{ numbers: number[]; others: string[] }> {
  const names = await disk.list(checkpointFolder)
  const numbers = new Set(names.map(checkpointOfName).filter((number) => number >= 0))
  const others = names.filter((name) => checkpointOfName(name) < 0).map((name) => `${checkpointFolder}/${name}`)
  return { numbers: [...numbers].sort((a, b) => b - a), others }
}

/** What a good checksum covers was written so: by somebody else, or by a broken machine. */
function sound<T>(path: string, position: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedError) throw new Damaged(path, position, error.message)
    throw error
  }
}

/** Reads and checks a footer. Rejects with `Damaged`, or a `DiskError`. */
export async function footerOf(
  disk: Disk,
  number: number,
  told: Told = ignore,
  paths: readonly string[] = checkpointPaths(number),
): Promise<CheckpointFooter> {
  const copies = new Copies(disk, number, told, paths)
  try {
    const { body, position, path } = await copies.footer()
    const footer = sound(path, position, () => readFooter(body))
    // Falling back on an older file would lose what only the newer form says.
    if (footer.version > checkpointVersion) throw writtenByNewer(`${path} has version ${footer.version}`)
    return footer
  } finally {
    await copies.close()
  }
}

/** Where the footer of a checkpoint file that is whole stands. */
export async function footerPlace(file: DiskFile): Promise<number> {
  const tail = Buffer.alloc(tailBytes)
  await file.read(tail, (await file.bytes()) - tailBytes)
  return readTailMark(tail)!.position
}

/** Visits the bodies of all records, without the footer. Rejects with `Damaged` at the first that is bad everywhere. */
export async function eachBody(
  copies: Copies,
  visit: (body: Buffer, position: number) => void | Promise<void>,
): Promise<number> {
  let records = 0
  for (let at = 0; ; records++) {
    const body = copies.have(at) ?? (await copies.record(at))
    if (body[0] === owner.footer) return records
    const done = visit(body, at)
    if (done !== undefined) await done
    at += recordHeadBytes + body.length
  }
}

/** Visits all records of one checkpoint file, or of its copy. Returns how many there were. */
export async function eachRecord(
  disk: Disk,
  number: number,
  visit: (record: CheckpointRecord) => void,
  told: Told = ignore,
  paths: readonly string[] = checkpointPaths(number),
): Promise<number> {
  const copies = new Copies(disk, number, told, paths)
  try {
    return await eachBody(copies, (body, at) => visit(sound(paths[0]!, at, () => readRecord(body))))
  } finally {
    await copies.close()
  }
}

/**
 * Is every part of this checkpoint there and whole, in one file or the other? Rejects with `Damaged` or a `DiskError`.
 * `told` learns where the other one was needed.
 */
export async function verifyCheckpoint(
  disk: Disk,
  footer: CheckpointFooter,
  told: (number: number, bad: Damaged) => void = ignore,
): Promise<void> {
  for (const number of [footer.number, ...footer.bases]) {
    const toldHere = (bad: Damaged): void => told(number, bad)
    const own = number === footer.number ? footer : await footerOf(disk, number, toldHere)
    const records = await eachRecord(disk, number, () => undefined, toldHere)
    if (records !== own.records)
      throw new Damaged(checkpointPath(number), 0, `has ${records} of ${own.records} records`)
  }
}

/** Visits the newest record of each part, of those that are not gone. */
export async function restoreCheckpoint(
  disk: Disk,
  footer: CheckpointFooter,
  visit: (record: CheckpointRecord) => void,
): Promise<void> {
  const seen = footer.bases.length === 0 ? null : new Set<string>()
  for (const number of [footer.number, ...footer.bases]) {
    await eachRecord(disk, number, (record) => {
      if (seen !== null) {
        const key = `${record.owner}/${record.object}/${record.part}`
        if (seen.has(key)) return
        seen.add(key)
      }
      if (record.state.length > 0) visit(record)
    })
  }
}
