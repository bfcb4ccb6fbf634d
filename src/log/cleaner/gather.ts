import { crc32c } from '../../base/index.ts'
import type { CachedFile } from '../cache/index.ts'
import { Damaged } from '../damaged.ts'
import { stepBytes, type LocatedExtent } from '../span/index.ts'

/** Reads a file's bytes past the cache. */
export type ReadAt = (file: CachedFile, into: Buffer, at: number) => Promise<number>

/** One piece of a payload to fetch: from `position` of `file` to `to` of the buffer. */
interface Item {
  file: CachedFile
  position: number
  bytes: number
  to: number
}

/** Bytes between two pieces that are read along rather than skipped. */
const gapBytesMax = 32 * 1024

export interface Wanted {
  extent: LocatedExtent
  file: (segmentsOn: number) => CachedFile
  /** Where its payload goes in the buffer. */
  to: number
}

/**
 * Fetches payloads from all over the sources into `buffer`, reading each file in order and neighbours together, and
 * checks each against the CRC of its source's index (C6). Rejects with `Damaged`.
 */
export async function gather(wanted: readonly Wanted[], buffer: Buffer, readAt: ReadAt): Promise<void> {
  const items: Item[] = []
  for (const { extent, file, to } of wanted) {
    let at = to
    for (const { segmentsOn, position, bytes } of extent.pieces) {
      items.push({ file: file(segmentsOn), position, bytes, to: at })
      at += bytes
    }
  }
  items.sort((a, b) => a.file.id - b.file.id || a.position - b.position)
  const scratch = Buffer.allocUnsafeSlow(stepBytes)
  for (let first = 0; first < items.length;) first = await fetchRun(items, first, buffer, scratch, readAt)
  for (const { extent, file, to } of wanted) check(extent, file, buffer.subarray(to, to + extent.bytes))
}

/** Fetches the items from `first` on that one read of at most `scratch.length` covers; returns the next one. */
async function fetchRun(
  items: readonly Item[],
  first: number,
  buffer: Buffer,
  scratch: Buffer,
  readAt: ReadAt,
): Promise<number> {
  const { file, position: start, bytes, to } = items[first]!
  if (bytes > scratch.length) {
    await readWhole(file, buffer.subarray(to, to + bytes), start, readAt)
    return first + 1
  }
  let end = start + bytes
  let next = first + 1
  for (; next < items.length; next++) {
    const item = items[next]!
    if (item.file.id !== file.id || item.position > end + gapBytesMax) break
    if (item.position + item.bytes > start + scratch.length) break
    end = Math.max(end, item.position + item.bytes)
  }
  await readWhole(file, scratch.subarray(0, end - start), start, readAt)
  for (let i = first; i < next; i++) {
    const item = items[i]!
    scratch.copy(buffer, item.to, item.position - start, item.position - start + item.bytes)
  }
  return next
}

async function readWhole(file: CachedFile, into: Buffer, at: number, readAt: ReadAt): Promise<void> {
  const there = await readAt(file, into, at)
  if (there < into.length) throw new Damaged(file.path, at + there, 'the file ends before bytes that belong here')
}

function check(extent: LocatedExtent, file: Wanted['file'], payload: Buffer): void {
  if (crc32c(payload) === extent.crc) return
  const piece = extent.pieces[0]
  throw new Damaged(
    file(piece?.segmentsOn ?? 0).path,
    piece?.position ?? 0,
    `the ${extent.bytes} bytes of offsets ${extent.baseOffset} to ${extent.baseOffset + extent.count - 1} ` +
      'fail their checksum',
  )
}
