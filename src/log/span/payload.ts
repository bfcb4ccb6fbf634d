import { crc32c } from '../../base/index.ts'
import type { Block, BlockCache, CachedFile, ReaderId } from '../cache/index.ts'
import { costOf, Damaged } from '../damaged.ts'
import type { LocatedExtent } from './located-extent.ts'

/** Gives the file of the segment so many on. */
export type FileOf = (segmentsOn: number) => CachedFile

/**
 * Copies the payload of an extent to `into`, its CRC checked once for each time its block was loaded; at once when it is
 * in memory. Rejects or throws with `Damaged`, which costs the extent; then nothing is written to `into` any more.
 */
export function readPayload(
  cache: BlockCache,
  fileOf: FileOf,
  extent: LocatedExtent,
  reader: ReaderId,
  into: Buffer,
): void | Promise<void> {
  const fail = (error: unknown): never => {
    throw costOf(error, extent.baseOffset, extent.baseOffset + extent.count)
  }
  try {
    const late = load(cache, fileOf, extent, reader, into)
    return late instanceof Promise ? late.catch(fail) : undefined
  } catch (error) {
    return fail(error)
  }
}

function load(
  cache: BlockCache,
  fileOf: FileOf,
  extent: LocatedExtent,
  reader: ReaderId,
  into: Buffer,
): void | Promise<void> {
  if (extent.pieces.length !== 1) return joined(cache, fileOf, extent, reader, into)
  const { segmentsOn, position } = extent.pieces[0]!
  const file = fileOf(segmentsOn)
  const block = cache.read(file, position, into, reader)
  if (block instanceof Promise) return block.then((from) => check(cache, into, from, file, position, extent))
  check(cache, into, block, file, position, extent)
}

async function joined(
  cache: BlockCache,
  fileOf: FileOf,
  extent: LocatedExtent,
  reader: ReaderId,
  into: Buffer,
): Promise<void> {
  let done = 0
  for (const { segmentsOn, position, bytes } of extent.pieces) {
    await cache.read(fileOf(segmentsOn), position, into.subarray(done, done + bytes), reader)
    done += bytes
  }
  if (crc32c(into) === extent.crc) return
  for (const { segmentsOn, position, bytes } of extent.pieces) cache.forgetRange(fileOf(segmentsOn), position, bytes)
  const first = extent.pieces[0]
  throw wrong(fileOf(first?.segmentsOn ?? 0), first?.position ?? 0, extent)
}

function check(
  cache: BlockCache,
  bytes: Buffer,
  block: Block | null,
  file: CachedFile,
  position: number,
  extent: LocatedExtent,
): void {
  const end = position + extent.bytes
  if (block !== null && position >= block.checkedFrom && end <= block.checkedTo) return
  if (crc32c(bytes) !== extent.crc) {
    // Perhaps only what was read of it is bad: whoever reads again reads the disk.
    cache.forgetRange(file, position, extent.bytes)
    throw wrong(file, position, extent)
  }
  if (block === null) return
  // One range is enough: readers move forward, and who jumps pays for a check.
  const touches = position <= block.checkedTo && end >= block.checkedFrom
  block.checkedFrom = touches ? Math.min(block.checkedFrom, position) : position
  block.checkedTo = touches ? Math.max(block.checkedTo, end) : end
}

const wrong = (file: CachedFile, position: number, extent: LocatedExtent): Damaged =>
  new Damaged(
    file.path,
    position,
    `the ${extent.bytes} bytes of offsets ${extent.baseOffset} to ${extent.baseOffset + extent.count - 1} ` +
      'fail their checksum',
  )
