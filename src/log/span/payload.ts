import { crc32c } from '../../base/index.ts'
import { readRange, type BlockCache, type CachedFile, type Range, type ReaderId } from '../cache/index.ts'
import { costOf, Damaged } from '../damaged.ts'
import type { LocatedExtent } from './located-extent.ts'

/**
 * The payload of an extent, its CRC checked once for each time its block was loaded. `fileOf` gives the file of the
 * segment so many on. Rejects or throws with `Damaged`, which costs the extent.
 */
export function readPayload(
  cache: BlockCache,
  fileOf: (segmentsOn: number) => CachedFile,
  extent: LocatedExtent,
  reader: ReaderId,
): Buffer | Promise<Buffer> {
  const fail = (error: unknown): never => {
    throw costOf(error, extent.baseOffset, extent.baseOffset + extent.count)
  }
  try {
    const payload = load(cache, fileOf, extent, reader)
    return payload instanceof Promise ? payload.catch(fail) : payload
  } catch (error) {
    return fail(error)
  }
}

function load(
  cache: BlockCache,
  fileOf: (segmentsOn: number) => CachedFile,
  extent: LocatedExtent,
  reader: ReaderId,
): Buffer | Promise<Buffer> {
  if (extent.pieces.length !== 1) return joined(cache, fileOf, extent, reader)
  const { segmentsOn, position } = extent.pieces[0]!
  const file = fileOf(segmentsOn)
  const range = readRange(cache, file, position, extent.bytes, reader)
  if (range instanceof Promise) return range.then((loaded) => checked(cache, loaded, file, position, extent))
  return checked(cache, range, file, position, extent)
}

async function joined(
  cache: BlockCache,
  fileOf: (segmentsOn: number) => CachedFile,
  extent: LocatedExtent,
  reader: ReaderId,
): Promise<Buffer> {
  const payload = Buffer.allocUnsafeSlow(extent.bytes)
  let done = 0
  for (const { segmentsOn, position, bytes } of extent.pieces) {
    const range = await readRange(cache, fileOf(segmentsOn), position, bytes, reader)
    range.bytes.copy(payload, done)
    done += bytes
  }
  if (crc32c(payload) === extent.crc) return payload
  for (const { segmentsOn, position, bytes } of extent.pieces) cache.forgetRange(fileOf(segmentsOn), position, bytes)
  const first = extent.pieces[0]
  throw wrong(fileOf(first?.segmentsOn ?? 0), first?.position ?? 0, extent)
}

function checked(cache: BlockCache, range: Range, file: CachedFile, position: number, extent: LocatedExtent): Buffer {
  const { bytes, block } = range
  const end = position + extent.bytes
  if (block !== null && position >= block.checkedFrom && end <= block.checkedTo) return bytes
  if (crc32c(bytes) !== extent.crc) {
    // Perhaps only what was read of it is bad: whoever reads again reads the disk.
    cache.forgetRange(file, position, extent.bytes)
    throw wrong(file, position, extent)
  }
  if (block === null) return bytes
  // One range is enough: readers move forward, and who jumps pays for a check.
  const touches = position <= block.checkedTo && end >= block.checkedFrom
  block.checkedFrom = touches ? Math.min(block.checkedFrom, position) : position
  block.checkedTo = touches ? Math.max(block.checkedTo, end) : end
  return bytes
}

const wrong = (file: CachedFile, position: number, extent: LocatedExtent): Damaged =>
  new Damaged(
    file.path,
    position,
    `the ${extent.bytes} bytes of offsets ${extent.baseOffset} to ${extent.baseOffset + extent.count - 1} ` +
      'fail their checksum',
  )
