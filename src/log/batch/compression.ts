/**
 * The codecs of record batches (attributes bits 0-2). Decompression is synchronous and bounded: what a batch may
 * expand to is checked before memory for it is taken, so a small batch that claims gigabytes costs nothing.
 */
import * as zlib from 'node:zlib'
import type * as Snappy from 'snappy'
import { MalformedError, Reader } from '../../base/index.ts'
import { lazily, LibraryMissing } from './library.ts'
import { decompressLz4 } from './lz4.ts'

export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** More than this out of one compressed batch is an attack, not data. */
export const decompressedBytesMax = 64 * 1024 * 1024
/** What a batch from outside may expand to: so much, and so much for each of its bytes. */
const expandedBytesFree = 4 * 1024 * 1024
const expandedBytesPerByte = 64

/** Bound for a batch that is let in: zeros compress a thousandfold, and each batch of them would hold all up. */
export const admittedBytesMax = (compressedBytes: number): number =>
  Math.min(decompressedBytesMax, expandedBytesFree + expandedBytesPerByte * compressedBytes)

/** The records of a compressed batch; `codec` as in the batch's attributes. Throws `MalformedError`. */
export function decompress(codec: number, bytes: Buffer, bytesMax = decompressedBytesMax): Buffer {
  try {
    switch (codec) {
      case codecs.none:
        return bytes
      case codecs.gzip:
        return zlib.gunzipSync(bytes, { maxOutputLength: bytesMax })
      case codecs.snappy:
        return decompressSnappy(bytes, bytesMax)
      case codecs.lz4:
        return decompressLz4(bytes, bytesMax)
      case codecs.zstd:
        // A program that embeds the broker may run on a Node older than 22.15, which has no zstd: then it throws here.
        return zlib.zstdDecompressSync(bytes, { maxOutputLength: bytesMax })
    }
  } catch (error) {
    if (error instanceof LibraryMissing) throw error
    throw new MalformedError(`compressed records: ${(error as Error).message}`)
  }
  throw new MalformedError(`unknown compression codec ${codec}`)
}

const snappy = lazily('snappy') as () => typeof Snappy

/** Head of the stream format that Java's producers write around raw snappy blocks: 0x82 "SNAPPY" 0. */
const streamMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])

/** Raw snappy, or the stream: magic 8, version 4, compatible version 4, then blocks of (length INT32, raw snappy). */
function decompressSnappy(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, streamMagic.length).equals(streamMagic)) return snappyBlock(bytes, bytesMax)
  const reader = new Reader(bytes, 16)
  const blocks: Buffer[] = []
  let total = 0
  while (reader.remaining > 0) {
    const block = snappyBlock(reader.bytes(reader.i32()), bytesMax - total)
    total += block.length
    blocks.push(block)
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total)
}

/** A raw block begins with the length of what it expands to, which the library then holds it to. */
function snappyBlock(block: Buffer, bytesMax: number): Buffer {
  const length = new Reader(block).uvarint()
  if (length > bytesMax) throw new MalformedError(`expands to ${length} bytes, the limit is ${bytesMax}`)
  return snappy().uncompressSync(block, { asBuffer: true }) as Buffer
}
