import type { Writer } from '../../base/index.ts'
import { crc32c, MalformedError, Reader } from '../../base/index.ts'
import { readU64 } from '../frame/index.ts'

/**
 * A checkpoint file:
 *
 *   record | record | ... | footer record | footer's position 8, its bytes 4, magic "CKPT" 4
 *   record: bytes 4, crc32c of the body 4, body: owner 1, object uvarint, part uvarint, frame uvarint, state (the rest)
 *
 * Little-endian. Each record is the state of one part as of its frame (F2); an empty state says that the part is gone.
 * The footer ends with the version of all of it; the first files had none there. A file holds what changed since the file before it; `bases` in the footer names those it builds on, newest first.
 *
 * Each file is there twice, byte for byte: `N.ckp` and `N.copy`. Releases before that wrote the first one only.
 */
export const checkpointFolder = 'checkpoint'
export const checkpointPath = (number: number): string => `${checkpointFolder}/${String(number).padStart(8, '0')}.ckp`
export const checkpointCopyPath = (number: number): string => checkpointPath(number).replace(/ckp$/, 'copy')
/** Either will do, the first is read first. */
export const checkpointPaths = (number: number): string[] => [checkpointPath(number), checkpointCopyPath(number)]
export const checkpointOfName = (name: string): number => {
  const match = /^(\d{8,})\.(?:ckp|copy)$/.exec(name)
  return match === null ? -1 : Number(match[1])
}

/** Whose state a record is. */
export const owner = { machine: 0, partitions: 1, spans: 2, footer: 255 } as const

export interface CheckpointFooter {
  version: number
  number: number
  journalId: Buffer
  bases: number[]
  records: number
  /** Bytes of the records, here and in the newest full file below. */
  bytes: number
  fullBytes: number
  /** Replay applies the commits after this one. */
  beginCommit: number
  /** The newest commit that a record contains. Perhaps one without entries, which has no frame: its number is used up. */
  endCommit: number
  /** The frame that `chain` is the chain before, to be found by replay. */
  beginFrame: number
  chain: Buffer
  /** Replay reads from the start of this segment, for it also indexes what is not adopted. */
  scanSegment: number
}

export const recordHeadBytes = 8
export const tailBytes = 16
const magic = 0x54504b43
/** Of the file and of every part in it: a part that changes its form makes a new version. */
export const checkpointVersion = 2
const versionBeforeVersions = 1

export function writeRecord(
  out: Writer,
  ownerId: number,
  object: number,
  part: number,
  frame: number,
  state: Uint8Array,
): void {
  const at = out.reserve(recordHeadBytes)
  const bodyAt = out.length
  out.u8(ownerId)
  out.uvarint(object)
  out.uvarint(part)
  out.uvarint(frame)
  out.bytes(state)
  endRecord(out, at, bodyAt)
}

function endRecord(out: Writer, at: number, bodyAt: number): void {
  out.buffer.writeUInt32LE(out.length - bodyAt, at)
  out.buffer.writeUInt32LE(crc32c(out.buffer.subarray(bodyAt, out.length)), at + 4)
}

/** A record that was read, as it stood in its file. */
export function writeBody(out: Writer, body: Buffer): void {
  out.u32LE(body.length)
  out.u32LE(crc32c(body))
  out.bytes(body)
}

/** `position`: where the footer will stand in the file. */
export function writeFooter(out: Writer, footer: CheckpointFooter, position: number): void {
  const at = out.reserve(recordHeadBytes)
  const bodyAt = out.length
  out.u8(owner.footer)
  out.uvarint(footer.number)
  out.bytes(footer.journalId)
  out.uvarint(footer.bases.length)
  for (const base of footer.bases) out.uvarint(base)
  out.uvarint(footer.records)
  out.uvarint(footer.bytes)
  out.uvarint(footer.fullBytes)
  out.uvarint(footer.beginCommit)
  out.uvarint(footer.endCommit)
  out.uvarint(footer.beginFrame)
  out.bytes(footer.chain)
  out.uvarint(footer.scanSegment)
  out.uvarint(footer.version)
  endRecord(out, at, bodyAt)
  const bytes = out.length - at
  out.u64LE(position)
  out.u32LE(bytes)
  out.u32LE(magic)
}

/** Where the footer stands (NaN: nowhere), from the last 16 bytes of the file; null when they are not a checkpoint's. */
export function readTailMark(tail: Buffer): { position: number; bytes: number } | null {
  if (tail.length < tailBytes || tail.readUInt32LE(12) !== magic) return null
  return { position: readU64(tail, 0), bytes: tail.readUInt32LE(8) }
}

/** The body of the record at `at`, or null when it is not whole. */
export function recordBody(bytes: Buffer, at: number): Buffer | null {
  if (at + recordHeadBytes > bytes.length) return null
  const end = at + recordHeadBytes + bytes.readUInt32LE(at)
  // Zeros, as a file has whose data never came to the disk, have a length and a checksum that fit.
  if (end > bytes.length || end === at + recordHeadBytes) return null
  const body = bytes.subarray(at + recordHeadBytes, end)
  return crc32c(body) === bytes.readUInt32LE(at + 4) ? body : null
}

export const recordBytes = (bytes: Buffer, at: number): number => recordHeadBytes + bytes.readUInt32LE(at)

export interface CheckpointRecord {
  owner: number
  object: number
  part: number
  frame: number
  state: Buffer
}

export function readRecord(body: Buffer): CheckpointRecord {
  const reader = new Reader(body)
  return {
    owner: reader.u8(),
    object: reader.uvarint(),
    part: reader.uvarint(),
    frame: reader.uvarint(),
    state: reader.bytes(reader.remaining),
  }
}

export function readFooter(body: Buffer): CheckpointFooter {
  const reader = new Reader(body)
  if (reader.u8() !== owner.footer) throw new MalformedError('not a footer')
  const number = reader.uvarint()
  const journalId = Buffer.from(reader.bytes(16))
  const bases: number[] = []
  for (let left = reader.uvarint(); left > 0; left--) bases.push(reader.uvarint())
  const footer = {
    number,
    journalId,
    bases,
    records: reader.uvarint(),
    bytes: reader.uvarint(),
    fullBytes: reader.uvarint(),
    beginCommit: reader.uvarint(),
    endCommit: reader.uvarint(),
    beginFrame: reader.uvarint(),
    chain: Buffer.from(reader.bytes(16)),
    scanSegment: reader.uvarint(),
  }
  return { ...footer, version: reader.remaining > 0 ? reader.uvarint() : versionBeforeVersions }
}
