import { crc32c, MalformedError } from '../../base/index.ts'
import type { Snapshot, SnapshotFile } from '../snapshot.ts'
import { StoreRefused } from '../refused.ts'
import { tarEnd, tarHeader, tarPadding } from './tar.ts'

/**
 * A backup is a tar: `facts` as JSON, the files of the snapshot, and at the end the checksum of each. Without its end it
 * is not whole; so one that was cut short is told from one that is done.
 */
export const factsName = 'dragoman-backup.json'
export const sumsName = 'dragoman-backup.sums.json'
export const archiveFormat = 1

export interface BackupFacts {
  format: number
  /** The release that made it. */
  release: string
  /** ms since 1970. */
  createdAt: number
  /** The last commit in it. */
  commit: number
  /** Of the journal it was made of; hexadecimal. What is restored gets another one. */
  journalId: string
  files: SnapshotFile[]
}

export interface BackupSum {
  path: string
  /** Of the bytes of the file. */
  crc32c: number
}

const stepBytes = 256 * 1024

/**
 * The bytes of the archive, piece by piece as they are asked for. Rejects with `StoreRefused` when the snapshot was
 * given up meanwhile. Does not release it.
 */
export async function* archive(
  snapshot: Snapshot,
  { release, createdAt }: Pick<BackupFacts, 'release' | 'createdAt'>,
): AsyncGenerator<Buffer> {
  const { commit, files } = snapshot
  const journalId = snapshot.journalId.toString('hex')
  const facts: BackupFacts = { format: archiveFormat, release, createdAt, commit, journalId, files: [...files] }
  const head = bodyOf(facts)
  yield entryOf(factsName, head, createdAt)
  const sums: BackupSum[] = [{ path: factsName, crc32c: crc32c(head) }]
  for (const { path, bytes } of files) {
    yield tarHeader(path, bytes, createdAt)
    let crc = 0
    for await (const piece of piecesOf(snapshot, path, bytes)) {
      crc = crc32c(piece, crc)
      yield piece
    }
    const padding = tarPadding(bytes)
    if (padding > 0) yield Buffer.alloc(padding)
    sums.push({ path, crc32c: crc })
  }
  yield entryOf(sumsName, bodyOf(sums), createdAt)
  yield tarEnd
}

const bodyOf = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`)

function entryOf(name: string, body: Buffer, timeMs: number): Buffer {
  return Buffer.concat([tarHeader(name, body.length, timeMs), body, Buffer.alloc(tarPadding(body.length))])
}

async function* piecesOf(snapshot: Snapshot, path: string, bytes: number): AsyncGenerator<Buffer> {
  const file = await snapshot.disk.open(path, 'read')
  try {
    for (let at = 0; at < bytes; at += stepBytes) {
      const piece = Buffer.allocUnsafeSlow(Math.min(stepBytes, bytes - at))
      const read = await file.read(piece, at)
      // After it: only then what was read was still as it should be.
      if (snapshot.failure !== null) throw new StoreRefused(snapshot.failure)
      if (read < piece.length) throw new MalformedError(`${path} ends at ${at + read}, not at ${bytes}`)
      yield piece
    }
  } finally {
    await file.close()
  }
}
