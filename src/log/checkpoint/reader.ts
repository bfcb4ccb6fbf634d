import { MalformedError } from '../../base/index.ts'
import type { Disk, DiskFile } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { FileWindow } from '../journal/scan.ts'
import { writtenByNewer } from '../refused.ts'
import {
  checkpointFolder,
  checkpointOfName,
  checkpointPath,
  checkpointVersion,
  owner,
  readFooter,
  readRecord,
  readTailMark,
  recordBody,
  recordBytes,
  tailBytes,
  type CheckpointFooter,
  type CheckpointRecord,
} from './format.ts'

const stepBytes = 1024 * 1024

/** The checkpoints there are, newest first, and the names of files that are none. */
export async function listCheckpoints(disk: Disk): Promise<{ numbers: number[]; others: string[] }> {
  const names = await disk.list(checkpointFolder)
  const numbers = names.map(checkpointOfName).filter((number) => number >= 0)
  const others = names.filter((name) => checkpointOfName(name) < 0).map((name) => `${checkpointFolder}/${name}`)
  return { numbers: numbers.sort((a, b) => b - a), others }
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

/** Reads and checks a footer. Rejects with `Damaged`. */
export async function footerOf(disk: Disk, number: number): Promise<CheckpointFooter> {
  const path = checkpointPath(number)
  const file = await disk.open(path, 'read')
  try {
    const size = await file.bytes()
    const tail = Buffer.alloc(tailBytes)
    await file.read(tail, Math.max(0, size - tailBytes))
    const mark = readTailMark(tail)
    if (mark === null || mark.position + mark.bytes + tailBytes !== size) {
      throw new Damaged(path, Math.max(0, size - tailBytes), 'no footer')
    }
    const bytes = Buffer.alloc(mark.bytes)
    await file.read(bytes, mark.position)
    const body = recordBody(bytes, 0)
    if (body === null) throw new Damaged(path, mark.position, 'the footer fails its check')
    const footer = sound(path, mark.position, () => readFooter(body))
    // Falling back on an older file would lose what only the newer form says.
    if (footer.version > checkpointVersion) throw writtenByNewer(`${path} has version ${footer.version}`)
    return footer
  } finally {
    await file.close()
  }
}

/** Where the footer of a checkpoint that is whole stands. */
export async function footerPlace(file: DiskFile): Promise<number> {
  const tail = Buffer.alloc(tailBytes)
  await file.read(tail, (await file.bytes()) - tailBytes)
  return readTailMark(tail)!.position
}

/** Visits all records of one file. Rejects with `Damaged` at the first bad one. */
export async function eachRecord(
  disk: Disk,
  number: number,
  visit: (record: CheckpointRecord) => void,
): Promise<number> {
  const path = checkpointPath(number)
  const file = await disk.open(path, 'read')
  try {
    const window = new FileWindow(file, stepBytes)
    let records = 0
    for (let at = 0; ; records++) {
      const head = window.have(at, 8) ?? (await window.at(at, 8))
      if (head.length < 8) throw new Damaged(path, at, 'ends before its footer')
      const size = recordBytes(head, 0)
      const bytes = window.have(at, size) ?? (await window.at(at, size))
      const body = recordBody(bytes, 0)
      if (body === null) throw new Damaged(path, at, 'a record fails its check')
      if (body[0] === owner.footer) return records
      visit(sound(path, at, () => readRecord(body)))
      at += bytes.length
    }
  } finally {
    await file.close()
  }
}

/** Is every file that this checkpoint is made of there and whole? Rejects with `Damaged` or a `DiskError`. */
export async function verifyCheckpoint(disk: Disk, footer: CheckpointFooter): Promise<void> {
  for (const number of [footer.number, ...footer.bases]) {
    const own = number === footer.number ? footer : await footerOf(disk, number)
    const records = await eachRecord(disk, number, () => undefined)
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
