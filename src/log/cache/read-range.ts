import { Damaged } from '../damaged.ts'
import { blockBytes, type Block, type BlockCache, type CachedFile, type ReaderId } from './block-cache.ts'

/**
 * More than this goes around the cache, into its own memory: of several blocks it would have to be copied there anyway,
 * and it would push out what many want for what one wants once.
 */
const cachedBytesMax = 512 * 1024

export interface Range {
  bytes: Buffer
  /** The block that `bytes` is a slice of; null when they were gathered from several. */
  block: Block | null
}

/** `length` bytes of the file from `at` on: a slice of a cached block where they lie in one, else gathered. */
export function readRange(
  cache: BlockCache,
  file: CachedFile,
  at: number,
  length: number,
  reader: ReaderId,
): Range | Promise<Range> {
  const index = Math.floor(at / blockBytes)
  const from = at - index * blockBytes
  if (from + length > blockBytes) return gather(cache, file, at, length, reader)
  const block = cache.get(file, index, from + length, reader)
  if (block instanceof Promise) return block.then((loaded) => slice(loaded, file, at, from, length))
  return slice(block, file, at, from, length)
}

function slice(block: Block, file: CachedFile, at: number, from: number, length: number): Range {
  if (from + length > block.bytes.length) throw short(file, at, length)
  return { bytes: block.bytes.subarray(from, from + length), block }
}

async function gather(
  cache: BlockCache,
  file: CachedFile,
  at: number,
  length: number,
  reader: ReaderId,
): Promise<Range> {
  if (length > cachedBytesMax) {
    const around = Buffer.allocUnsafeSlow(length)
    if ((await cache.around(file, around, at)) < length) throw short(file, at, length)
    return { bytes: around, block: null }
  }
  const end = at + length
  const wanted: Promise<Block>[] = []
  // All at once: one after the other each would wait for the disk alone.
  for (let start = at - (at % blockBytes); start < end; start += blockBytes) {
    wanted.push(Promise.resolve(cache.get(file, start / blockBytes, Math.min(blockBytes, end - start), reader)))
  }
  const blocks = await Promise.all(wanted)
  const bytes = Buffer.allocUnsafeSlow(length)
  let done = 0
  for (const block of blocks) {
    const from = (at + done) % blockBytes
    const part = Math.min(length - done, blockBytes - from)
    if (from + part > block.bytes.length) throw short(file, at, length)
    block.bytes.copy(bytes, done, from, from + part)
    done += part
  }
  return { bytes, block: null }
}

const short = (file: CachedFile, at: number, length: number): Damaged =>
  new Damaged(file.path, at, `the file ends before ${length} bytes that belong here`)
