import { Damaged } from '../damaged.ts'
import { blockBytes, type Block, type BlockCache, type CachedFile, type ReaderId } from './block-cache.ts'

/** More than this goes around the cache: it would push out what many want for what one wants once. */
const cachedBytesMax = 1024 * 1024

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
  const bytes = Buffer.allocUnsafeSlow(length)
  if (length > cachedBytesMax) {
    if ((await cache.around(file, bytes, at)) < length) throw short(file, at, length)
    return { bytes, block: null }
  }
  for (let done = 0; done < length;) {
    const index = Math.floor((at + done) / blockBytes)
    const from = at + done - index * blockBytes
    const part = Math.min(length - done, blockBytes - from)
    const block = await cache.get(file, index, from + part, reader)
    if (from + part > block.bytes.length) throw short(file, at, length)
    block.bytes.copy(bytes, done, from, from + part)
    done += part
  }
  return { bytes, block: null }
}

const short = (file: CachedFile, at: number, length: number): Damaged =>
  new Damaged(file.path, at, `the file ends before ${length} bytes that belong here`)
