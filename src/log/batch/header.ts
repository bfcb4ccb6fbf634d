import { crc32c } from '../../base/index.ts'

/**
 * The header of a record batch, published format v2 (magic 2), big-endian:
 *
 *   0 baseOffset 8 | 8 batchLength 4 | 12 partitionLeaderEpoch 4 | 16 magic 1 | 17 crc 4 | 21 attributes 2
 *   23 lastOffsetDelta 4 | 27 baseTimestamp 8 | 35 maxTimestamp 8 | 43 producerId 8 | 51 producerEpoch 2
 *   53 baseSequence 4 | 57 count 4 | 61 records
 *
 * The CRC-32C covers everything from `attributes` on, so base offset and leader epoch may be patched in a copy of
 * the first 16 bytes. `batchLength` counts from byte 12.
 */
export const batchHeaderBytes = 61
export const crcPosition = 17
export const crcStart = 21

export const compressionMask = 0x07
export const timestampTypeBit = 0x08
export const transactionalBit = 0x10
export const controlBit = 0x20

const i64 = (b: Buffer, at: number): number => b.readInt32BE(at) * 0x1_0000_0000 + b.readUInt32BE(at + 4)

/** Bytes of the whole batch that starts at `at`. */
export const batchBytes = (b: Buffer, at = 0): number => 12 + b.readInt32BE(at + 8)
export const baseOffset = (b: Buffer, at = 0): number => i64(b, at)
export const magic = (b: Buffer, at = 0): number => b[at + 16]!
export const storedCrc = (b: Buffer, at = 0): number => b.readUInt32BE(at + crcPosition)
export const attributes = (b: Buffer, at = 0): number => b.readInt16BE(at + 21)
export const lastOffsetDelta = (b: Buffer, at = 0): number => b.readInt32BE(at + 23)
export const baseTimestamp = (b: Buffer, at = 0): number => i64(b, at + 27)
export const maxTimestamp = (b: Buffer, at = 0): number => i64(b, at + 35)
/** A copy with another one, and its checksum. */
export function withMaxTimestamp(batch: Buffer, timestamp: number): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(timestamp), 35)
  copy.writeUInt32BE(crc32c(copy.subarray(crcStart)), crcPosition)
  return copy
}
/** -1 when the producer is not idempotent. */
export const producerId = (b: Buffer, at = 0): number => i64(b, at + 43)
export const producerEpoch = (b: Buffer, at = 0): number => b.readInt16BE(at + 51)
export const baseSequence = (b: Buffer, at = 0): number => b.readInt32BE(at + 53)
export const recordCount = (b: Buffer, at = 0): number => b.readInt32BE(at + 57)
