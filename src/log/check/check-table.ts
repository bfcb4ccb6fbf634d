import { crc32c, MalformedError } from '../../base/index.ts'
import type { DiskFile } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import {
  chunkRecordBytes,
  directoryRecordBytes,
  readChunkRecord,
  readDirectoryRecord,
  type ChunkRecord,
  type DirectoryRecord,
} from '../span/directory.ts'
import { decodeEntries } from '../span/entries.ts'
import { footerBytes, readFooter, type Footer } from '../span/footer.ts'
import type { LocatedExtent } from '../span/located-extent.ts'
import type { SpanInfo } from '../span/span-info.ts'
import { checkPage, pagesOf, recordPageBytes, recordsPerPage } from '../span/paged-records.ts'
import { finding, joinRanges, type Finding, type LostRange } from './finding.ts'
import { rebuildFooter } from '../span/rebuild-footer.ts'
import type { Window } from './window.ts'

/** Told of each extent whose entry is whole. May look at its payload. */
export type VisitExtent = (partition: number, extent: LocatedExtent) => Promise<void> | void

/**
 * Reads the whole index of a span or sidecar and reports every part of it that is bad, with the records that cannot be
 * found without it. Returns the footer, or null when even that is bad.
 */
export async function checkTable(
  file: DiskFile,
  window: Window,
  report: (found: Finding) => void,
  visit: VisitExtent,
  info: SpanInfo | null = null,
): Promise<Footer | null> {
  const footer = await footerOf(file, window, report, info)
  if (footer === null) return null
  const chunks = await records(
    file,
    window,
    footer.chunksPosition,
    footer.chunks,
    chunkRecordBytes,
    readChunkRecord,
    report,
  )
  await checkPadding(file, window, footer, chunks, report)
  const directory = await records(
    file,
    window,
    footer.directoryPosition,
    footer.partitions,
    directoryRecordBytes,
    readDirectoryRecord,
    report,
  )
  for (const record of directory) {
    if (record !== null) await checkPartition(file, window, record, chunks, report, visit)
  }
  return footer
}

async function footerOf(
  file: DiskFile,
  window: Window,
  report: (found: Finding) => void,
  info: SpanInfo | null,
): Promise<Footer | null> {
  const position = (await file.bytes()) - footerBytes
  const bytes = position < 0 ? Buffer.alloc(0) : await whole(window, position, footerBytes)
  try {
    return readFooter(bytes, file.path, Math.max(0, position))
  } catch (error) {
    if (!(error instanceof Damaged)) throw error
    const again = info === null || info.slot >= 0 ? null : await rebuildFooter(window, file.path, info)
    const detail = again === null ? error.message : `${error.message}; it can be made again from the directory`
    report(finding(again === null ? 'loss' : 'repairable', file.path, error.position, footerBytes, detail))
    return again
  }
}

/** A copy: the window's bytes do not outlive its next call. */
const whole = async (window: Window, position: number, bytes: number): Promise<Buffer> =>
  Buffer.from(await window.at(position, bytes))

/** After the last entries come zeros up to the pages, and after the pages the footer: all else has a checksum. */
async function checkPadding(
  file: DiskFile,
  window: Window,
  footer: Footer,
  chunks: readonly (ChunkRecord | null)[],
  report: (found: Finding) => void,
): Promise<void> {
  const note = (position: number): void =>
    report(
      finding('note', file.path, position, 1, 'the padding is not zero: nothing is lost, but the disk changes bits'),
    )
  const pagesEnd = footer.directoryPosition + pagesOf(footer.partitions, directoryRecordBytes) * recordPageBytes
  const end = (await file.bytes()) - footerBytes
  for (let at = pagesEnd; at < end; at += recordPageBytes) {
    const dirty = (await window.at(at, Math.min(recordPageBytes, end - at))).findIndex((byte) => byte !== 0)
    if (dirty >= 0) note(at + dirty)
  }
  const last = chunks[chunks.length - 1]
  if (last === null) return
  const from = last === undefined ? 0 : last.position + last.bytes
  const padding = await window.at(from, footer.chunksPosition - from)
  const bad = padding.findIndex((byte) => byte !== 0)
  if (bad >= 0) note(from + bad)
}

/** All records of an area; null where their page is bad. */
async function records<T>(
  file: DiskFile,
  window: Window,
  position: number,
  count: number,
  recordBytes: number,
  read: (page: Buffer, at: number) => T,
  report: (found: Finding) => void,
): Promise<(T | null)[]> {
  const found: (T | null)[] = []
  const perPage = recordsPerPage(recordBytes)
  for (let first = 0; first < count; first += perPage) {
    const at = position + (first / perPage) * recordPageBytes
    const page = await whole(window, at, recordPageBytes)
    const good = pageGood(page, file.path, at)
    if (!good) report(finding('loss', file.path, at, recordPageBytes, 'an index page fails its checksum'))
    for (let i = 0; i < Math.min(perPage, count - first); i++) found.push(good ? read(page, i * recordBytes) : null)
  }
  return found
}

function pageGood(page: Buffer, path: string, position: number): boolean {
  if (page.length < recordPageBytes) return false
  try {
    checkPage(page, path, position)
    return true
  } catch (error) {
    if (error instanceof Damaged) return false
    throw error
  }
}

async function checkPartition(
  file: DiskFile,
  window: Window,
  record: DirectoryRecord,
  chunks: readonly (ChunkRecord | null)[],
  report: (found: Finding) => void,
  visit: VisitExtent,
): Promise<void> {
  const { partition, firstChunk, chunks: count } = record
  const lost: LostRange[] = []
  for (let n = firstChunk; n < firstChunk + count; n++) {
    const chunk = chunks[n] ?? null
    const first = chunk?.firstOffset ?? (n === firstChunk ? record.firstOffset : -1)
    const next = n + 1 < firstChunk + count ? (chunks[n + 1]?.firstOffset ?? record.endOffset) : record.endOffset
    const extents = chunk === null ? null : await entriesOf(file, window, chunk, report)
    if (extents === null) lost.push({ partition, first: Math.max(first, record.firstOffset), last: next - 1 })
    else for (const extent of extents) await visit(partition, extent)
  }
  if (lost.length > 0) {
    const at = chunks[firstChunk]?.position ?? 0
    report(finding('loss', file.path, at, 0, `records of partition ${partition} cannot be found`, joinRanges(lost)))
  }
}

async function entriesOf(
  file: DiskFile,
  window: Window,
  chunk: ChunkRecord,
  report: (found: Finding) => void,
): Promise<LocatedExtent[] | null> {
  const bytes = await whole(window, chunk.position, chunk.bytes)
  try {
    if (bytes.length === chunk.bytes && crc32c(bytes) === chunk.crc) return decodeEntries(bytes, chunk.firstOffset)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  const detail = `${chunk.extents} index entries fail their checksum`
  report(finding('loss', file.path, chunk.position, chunk.bytes, detail))
  return null
}
