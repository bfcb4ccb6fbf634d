import type * as Lz4 from 'lz4-napi'
import { MalformedError, Reader } from '../../base/index.ts'
import { lazily } from './library.ts'

const library = lazily('lz4-napi') as () => typeof Lz4

const magic = 0x184d2204
const versionMask = 0xc0
const version1 = 0x40
const independentBit = 0x20
const blockChecksumBit = 0x10
const contentSizeBit = 0x08
const contentChecksumBit = 0x04
const dictionaryIdBit = 0x01
const uncompressedBit = 0x8000_0000
/** A block may refer this far back into what came before it. */
const windowBytes = 65_536

/**
 * An LZ4 frame: `magic 4LE, FLG, BD, content size 8?, dictionary id 4?, header checksum`, blocks of
 * `(size 4LE, high bit = stored as is; data; checksum 4?)`, and a block of size 0.
 *
 * The frame is walked here, block by block, because the library would decompress a frame of any size; a block is at
 * most what BD says. Checksums are not looked at: the batch's own CRC covers them, and old producers got them wrong.
 */
export function decompressLz4(frame: Buffer, bytesMax: number): Buffer {
  const reader = new Reader(frame)
  if (reader.u32LE() !== magic) throw new MalformedError('not an LZ4 frame')
  const flags = reader.u8()
  if ((flags & versionMask) !== version1) throw new MalformedError('unknown version of the LZ4 frame')
  if ((flags & dictionaryIdBit) !== 0) throw new MalformedError('LZ4 frame with a dictionary')
  const blockBytesMax = blockSize(reader.u8())
  reader.take((flags & contentSizeBit) !== 0 ? 9 : 1)
  const blocks: Buffer[] = []
  let total = 0
  let window: Buffer | undefined
  for (let size = reader.u32LE(); size !== 0; size = reader.u32LE()) {
    const stored = size >= uncompressedBit
    const data = reader.bytes(stored ? size - uncompressedBit : size)
    if ((flags & blockChecksumBit) !== 0) reader.take(4)
    const block = stored ? data : expand(data, Math.min(blockBytesMax, bytesMax - total), window)
    total += block.length
    if (total > bytesMax) throw new MalformedError(`expands beyond ${bytesMax} bytes`)
    blocks.push(block)
    if ((flags & independentBit) === 0) window = lastBytes(window, block)
  }
  if ((flags & contentChecksumBit) !== 0) reader.take(4)
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total)
}

function blockSize(descriptor: number): number {
  const code = (descriptor >> 4) & 0x07
  if (code < 4) throw new MalformedError(`block size code ${code}`)
  return 1 << (8 + 2 * code)
}

/**
 * The library wants the room for the output as a 4LE in front of the block, and takes that much memory: so not more
 * than a block can expand to, which is 255 times its size.
 */
function expand(data: Buffer, room: number, window: Buffer | undefined): Buffer {
  const sized = Buffer.allocUnsafe(4 + data.length)
  sized.writeUInt32LE(Math.min(room, data.length * 255), 0)
  data.copy(sized, 4)
  return library().uncompressSync(sized, window)
}

function lastBytes(window: Buffer | undefined, block: Buffer): Buffer {
  if (block.length >= windowBytes || window === undefined) return block.subarray(-windowBytes)
  const kept = window.subarray(Math.max(0, window.length + block.length - windowBytes))
  return Buffer.concat([kept, block])
}
