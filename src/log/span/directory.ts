import { readU64, writeU64 } from '../frame/index.ts'

/**
 * What a span knows of one partition, 64 bytes little-endian, sorted by partition:
 *
 *   0 partition 8 | 8 firstOffset 8 | 16 endOffset 8 | 24 maxTimestamp f64 | 32 lastAppendTime f64
 *  40 payloadBytes 8 | 48 extents 4 | 52 firstChunk 4 | 56 chunks 4 | 60 0 4
 */
export interface DirectoryRecord {
  partition: number
  firstOffset: number
  /** One after the last. */
  endOffset: number
  maxTimestamp: number
  lastAppendTime: number
  payloadBytes: number
  extents: number
  /** Number of its first chunk in the file. */
  firstChunk: number
  chunks: number
}

export const directoryRecordBytes = 64

export function writeDirectoryRecord(into: Buffer, at: number, record: DirectoryRecord): void {
  writeU64(into, record.partition, at)
  writeU64(into, record.firstOffset, at + 8)
  writeU64(into, record.endOffset, at + 16)
  into.writeDoubleLE(record.maxTimestamp, at + 24)
  into.writeDoubleLE(record.lastAppendTime, at + 32)
  writeU64(into, record.payloadBytes, at + 40)
  into.writeUInt32LE(record.extents, at + 48)
  into.writeUInt32LE(record.firstChunk, at + 52)
  into.writeUInt32LE(record.chunks, at + 56)
}

export const directoryPartition = (from: Buffer, at: number): number => readU64(from, at)

export function readDirectoryRecord(from: Buffer, at: number): DirectoryRecord {
  return {
    partition: readU64(from, at),
    firstOffset: readU64(from, at + 8),
    endOffset: readU64(from, at + 16),
    maxTimestamp: from.readDoubleLE(at + 24),
    lastAppendTime: from.readDoubleLE(at + 32),
    payloadBytes: readU64(from, at + 40),
    extents: from.readUInt32LE(at + 48),
    firstChunk: from.readUInt32LE(at + 52),
    chunks: from.readUInt32LE(at + 56),
  }
}

/**
 * One chunk of a partition's extents, 40 bytes little-endian, in the order of the directory and then of offsets: the
 * sparse index.
 *
 *   0 firstOffset 8 | 8 position 8 | 16 bytes 4 | 20 crc 4 | 24 maxTimestamp f64 | 32 extents 4 | 36 payloadBytes 4
 */
export interface ChunkRecord {
  firstOffset: number
  /** Where its entries stand in the file. */
  position: number
  bytes: number
  /** CRC-32C of its entries. */
  crc: number
  maxTimestamp: number
  extents: number
  /** Of its extents; 2^32 - 1 when more. */
  payloadBytes: number
}

export const chunkRecordBytes = 40

export function writeChunkRecord(into: Buffer, at: number, record: ChunkRecord): void {
  writeU64(into, record.firstOffset, at)
  writeU64(into, record.position, at + 8)
  into.writeUInt32LE(record.bytes, at + 16)
  into.writeUInt32LE(record.crc, at + 20)
  into.writeDoubleLE(record.maxTimestamp, at + 24)
  into.writeUInt32LE(record.extents, at + 32)
  into.writeUInt32LE(Math.min(record.payloadBytes, 0xffff_ffff), at + 36)
}

export const chunkFirstOffset = (from: Buffer, at: number): number => readU64(from, at)

export function readChunkRecord(from: Buffer, at: number): ChunkRecord {
  return {
    firstOffset: readU64(from, at),
    position: readU64(from, at + 8),
    bytes: from.readUInt32LE(at + 16),
    crc: from.readUInt32LE(at + 20),
    maxTimestamp: from.readDoubleLE(at + 24),
    extents: from.readUInt32LE(at + 32),
    payloadBytes: from.readUInt32LE(at + 36),
  }
}
