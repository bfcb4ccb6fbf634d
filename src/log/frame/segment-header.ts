import { crc32c } from '../../base/index.ts'
import { frameAlign, readU64, writeU64 } from './header.ts'

/**
 * The first 4 KiB of a journal slot, little-endian; written in the same write as the segment's first frame:
 *
 *   0 magic "JRNL" 4 | 4 major 1 | 5 minor 1 | 6 headerBytes 2 | 8 journalId 16 | 24 segmentSeq 8 | 32 startLsn 8
 *  40 firstFrame 8 | 48 epoch 8 | 56 chain before the first frame 16 | 72 segmentBytes 8 | 80 align 4
 *  84 frameBytesMax 4 | 88 framesInFlightMax 2 | 90 checksum kind 2 (1 = CRC-32C) | 92 required flags 4
 *  96 optional flags 4 | 100 createdAt 8 | 108 firstCommit 8 | 116 crc32c of bytes 0..116, 4
 */
export interface SegmentHeader {
  major: number
  minor: number
  journalId: Buffer
  segmentSeq: number
  startLsn: number
  firstFrame: number
  /** The first commit whose frame may begin here; a commit that began in the segment before has a lower number. */
  firstCommit: number
  epoch: number
  chain: Buffer
  segmentBytes: number
  frameBytesMax: number
  requiredFlags: number
  optionalFlags: number
  createdAt: number
}

/** Commits of this segment are not synced one by one: a power failure may leave holes in it. */
export const unsyncedFlag = 1

export const segmentMagic = 0x4c4e524a
export const segmentHeaderBytes = frameAlign
export const journalMajor = 1
export const journalMinor = 0
const checksumCrc32c = 1
const framesInFlightMax = 1
const crcAt = 116
/** What follows in the header's page is zero. */
export const segmentHeaderUsed = crcAt + 4

export function writeSegmentHeader(into: Buffer, header: SegmentHeader): void {
  into.fill(0, 0, segmentHeaderBytes)
  into.writeUInt32LE(segmentMagic, 0)
  into[4] = header.major
  into[5] = header.minor
  into.writeUInt16LE(segmentHeaderBytes, 6)
  header.journalId.copy(into, 8, 0, 16)
  writeU64(into, header.segmentSeq, 24)
  writeU64(into, header.startLsn, 32)
  writeU64(into, header.firstFrame, 40)
  writeU64(into, header.epoch, 48)
  header.chain.copy(into, 56, 0, 16)
  writeU64(into, header.segmentBytes, 72)
  into.writeUInt32LE(frameAlign, 80)
  into.writeUInt32LE(header.frameBytesMax, 84)
  into.writeUInt16LE(framesInFlightMax, 88)
  into.writeUInt16LE(checksumCrc32c, 90)
  into.writeUInt32LE(header.requiredFlags, 92)
  into.writeUInt32LE(header.optionalFlags, 96)
  writeU64(into, header.createdAt, 100)
  writeU64(into, header.firstCommit, 108)
  into.writeUInt32LE(crc32c(into.subarray(0, crcAt)), crcAt)
}

/** Null unless magic and CRC are right: zeros, old bytes or damage, which the caller tells apart. */
export function readSegmentHeader(from: Buffer): SegmentHeader | null {
  if (from.length < crcAt + 4 || from.readUInt32LE(0) !== segmentMagic) return null
  if (crc32c(from.subarray(0, crcAt)) !== from.readUInt32LE(crcAt)) return null
  return {
    major: from[4]!,
    minor: from[5]!,
    journalId: from.subarray(8, 24),
    segmentSeq: readU64(from, 24),
    startLsn: readU64(from, 32),
    firstFrame: readU64(from, 40),
    epoch: readU64(from, 48),
    chain: from.subarray(56, 72),
    segmentBytes: readU64(from, 72),
    frameBytesMax: from.readUInt32LE(84),
    requiredFlags: from.readUInt32LE(92),
    optionalFlags: from.readUInt32LE(96),
    createdAt: readU64(from, 100),
    firstCommit: readU64(from, 108),
  }
}
