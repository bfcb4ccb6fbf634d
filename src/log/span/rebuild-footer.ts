import { Damaged } from '../damaged.ts'
import { chunkRecordBytes, directoryRecordBytes, readDirectoryRecord, type DirectoryRecord } from './directory.ts'
import { footerBytes, type Footer } from './footer.ts'
import type { SpanInfo } from './span-info.ts'
import { checkPage, pagesOf, recordPageBytes, recordsPerPage } from './paged-records.ts'

/** Reads a file; fewer bytes at its end. */
export interface FileBytes {
  at(position: number, bytes: number): Promise<Buffer>
}

/**
 * The footer of a span whose own is bad, from the manifest and the pages before it: going back from the end, those are
 * the directory's until all the extents that the manifest counts are accounted for. Null when they are bad, too.
 */
export async function rebuildFooter(window: FileBytes, path: string, info: SpanInfo): Promise<Footer | null> {
  const end = info.dataBytes - footerBytes
  let extents = 0
  let partitions = 0
  let chunks = 0
  for (let at = end - recordPageBytes; at >= 0; at -= recordPageBytes) {
    const records = await directoryPage(window, path, at)
    if (records === null) return null
    extents += records.reduce((sum, record) => sum + record.extents, 0)
    partitions += records.length
    chunks = records.reduce((most, record) => Math.max(most, record.firstChunk + record.chunks), chunks)
    if (extents > info.extents) return null
    if (extents < info.extents) continue
    const chunksPosition = at - pagesOf(chunks, chunkRecordBytes) * recordPageBytes
    const { id, firstSeq, lastSeq, life, payloadBytes } = info
    const facts = { kind: 'settled' as const, journalId: Buffer.alloc(16), createdAt: info.newestAt, segmentsOn: 0 }
    const places = { chunks, chunksPosition, partitions, directoryPosition: at, replaced: [] }
    return { ...facts, ...places, id, firstSeq, lastSeq, life, payloadBytes, extents }
  }
  return null
}

async function directoryPage(window: FileBytes, path: string, at: number): Promise<DirectoryRecord[] | null> {
  const page = Buffer.from(await window.at(at, recordPageBytes))
  if (page.length < recordPageBytes) return null
  try {
    checkPage(page, path, at)
  } catch (error) {
    if (error instanceof Damaged) return null
    throw error
  }
  const records: DirectoryRecord[] = []
  for (let i = 0; i < recordsPerPage(directoryRecordBytes); i++) {
    const record = readDirectoryRecord(page, i * directoryRecordBytes)
    // Every partition of a span has extents: a record without is the end of the last page.
    if (record.extents > 0) records.push(record)
  }
  return records
}
