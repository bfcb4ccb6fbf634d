import { crc32c } from '../../base/index.ts'
import { chainBytes, type SealLayout } from '../../world/index.ts'

/**
 * The header of a frame, 128 bytes, little-endian:
 *
 *   0 magic 4 | 4 version 1 | 5 kind 1 | 6 flags 2 | 8 headerBytes 2 | 10 part 2 | 12 parts 2 | 14 0 2
 *  16 journalId 16 | 32 segmentSeq 8 | 40 lsn 8 | 48 number 8 | 56 epoch 8 | 64 commitTimeMs 8
 *  72 chain of the frame before 16 | 88 tableBytes 4 | 92 payloadBytes 4 | 96 bodyCrc32c 4 | 100 key id 4
 * 104 commit 8 | 112 reserved 12 | 124 headerCrc32c 4
 *
 * `number` rises by one with each frame. `commit` is what the frame belongs to: the parts of a large commit share it,
 * and a frame that carries none (FENCE, IDLE) repeats the one before. `lsn` counts the unpadded bytes of all frames
 * before, so it does not depend on where a frame lies. `part` counts from 0.
 */
export interface FrameHeader {
  version: number
  kind: FrameKind
  flags: number
  part: number
  parts: number
  journalId: Buffer
  segmentSeq: number
  lsn: number
  number: number
  epoch: number
  /** Ms since 1970; never goes back. */
  commitTimeMs: number
  /** Chain of the frame before. */
  chain: Buffer
  tableBytes: number
  payloadBytes: number
  bodyCrc: number
  commit: number
}

export const frameKind = { data: 1, fence: 2, checkpoint: 3, idle: 4 } as const
export type FrameKind = (typeof frameKind)[keyof typeof frameKind]

export const frameMagic = 0x4d415246
export const frameVersion = 1
/** Where they stand in a header. */
export const journalIdAt = 16
export const segmentSeqAt = 32
export const chainAt = 72
export const frameHeaderBytes = 128
export const frameAlign = 4096
/** Low byte of `flags`: whoever does not know one of these must not read on. The high byte may be ignored. */
export const mustUnderstandFlags = 0x00ff
/** `repair` put this frame where others were lost: the chain begins anew after it. */
export const bridgeFlag = 0x0100

export const frameLayout: SealLayout = { headerBytes: frameHeaderBytes, chainAt, bodyCrcAt: 96, headerCrcAt: 124 }

/** Bytes on the local disk: up to the next 4 KiB boundary. */
export const aligned = (bytes: number): number => Math.ceil(bytes / frameAlign) * frameAlign

export function writeU64(into: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  into.writeUInt32LE(value - high * 0x1_0000_0000, at)
  into.writeUInt32LE(high, at + 4)
}

/** NaN where the number is not exact: no comparison with it holds. */
export function readU64(from: Buffer, at: number): number {
  const value = from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 0x1_0000_0000
  return Number.isSafeInteger(value) ? value : NaN
}

/** Everything but the two CRCs, which `sealHeader` (world) fills in. */
export function writeFrameHeader(into: Buffer, header: Omit<FrameHeader, 'bodyCrc' | 'version'>): void {
  into.fill(0, 0, frameHeaderBytes)
  into.writeUInt32LE(frameMagic, 0)
  into[4] = frameVersion
  into[5] = header.kind
  into.writeUInt16LE(header.flags, 6)
  into.writeUInt16LE(frameHeaderBytes, 8)
  into.writeUInt16LE(header.part, 10)
  into.writeUInt16LE(header.parts, 12)
  header.journalId.copy(into, 16, 0, 16)
  writeU64(into, header.segmentSeq, 32)
  writeU64(into, header.lsn, 40)
  writeU64(into, header.number, 48)
  writeU64(into, header.epoch, 56)
  writeU64(into, header.commitTimeMs, 64)
  header.chain.copy(into, chainAt, 0, chainBytes)
  into.writeUInt32LE(header.tableBytes, 88)
  into.writeUInt32LE(header.payloadBytes, 92)
  writeU64(into, header.commit, 104)
}

/** Null unless magic and header CRC are right. Says nothing about journal, place or body. */
export function readFrameHeader(from: Buffer, at = 0): FrameHeader | null {
  if (from.length - at < frameHeaderBytes || from.readUInt32LE(at) !== frameMagic) return null
  const crcAt = at + frameLayout.headerCrcAt
  if (crc32c(from.subarray(at, crcAt)) !== from.readUInt32LE(crcAt)) return null
  return {
    version: from[at + 4]!,
    kind: from[at + 5] as FrameKind,
    flags: from.readUInt16LE(at + 6),
    part: from.readUInt16LE(at + 10),
    parts: from.readUInt16LE(at + 12),
    journalId: from.subarray(at + 16, at + 32),
    segmentSeq: readU64(from, at + 32),
    lsn: readU64(from, at + 40),
    number: readU64(from, at + 48),
    epoch: readU64(from, at + 56),
    commitTimeMs: readU64(from, at + 64),
    chain: from.subarray(at + chainAt, at + chainAt + chainBytes),
    tableBytes: from.readUInt32LE(at + 88),
    payloadBytes: from.readUInt32LE(at + 92),
    bodyCrc: from.readUInt32LE(at + 96),
    commit: readU64(from, at + 104),
  }
}

/** What this release cannot read in a frame, or null: it is refused, not guessed at. */
export function unknownIn({ version, flags }: Pick<FrameHeader, 'version' | 'flags'>): string | null {
  if (version > frameVersion) return `the journal has frames of version ${version}`
  const unknown = flags & mustUnderstandFlags
  return unknown === 0 ? null : `the journal has frames with flags ${unknown.toString(16)}`
}

/** Header, table and payload without the padding. */
export const frameBytes = (header: FrameHeader): number => frameHeaderBytes + header.tableBytes + header.payloadBytes
