import { crc32c, MalformedError } from '../../base/index.ts'
import { indexReader, type BlockCache, type CachedFile } from '../cache/index.ts'
import { Damaged } from '../damaged.ts'
import {
  chunkFirstOffset,
  chunkRecordBytes,
  directoryPartition,
  directoryRecordBytes,
  readChunkRecord,
  readDirectoryRecord,
  type ChunkRecord,
  type DirectoryRecord,
} from './directory.ts'
import { decodeEntries } from './entries.ts'
import { footerBytes, readFooter, type Footer } from './footer.ts'
import type { LocatedExtent } from './located-extent.ts'
import { checkPage, pagesOf, positionOf, recordPageBytes, recordsPerPage } from './paged-records.ts'

/**
 * Finds extents in a span or a sidecar through the block cache: nothing of it stays in memory but the footer. All
 * methods reject with `Damaged` when a checksum fails.
 */
export class TableReader {
  readonly file: CachedFile
  readonly footer: Footer
  private readonly cache: BlockCache

  private constructor(cache: BlockCache, file: CachedFile, footer: Footer) {
    this.cache = cache
    this.file = file
    this.footer = footer
  }

  static async open(cache: BlockCache, file: CachedFile): Promise<TableReader> {
    const position = file.bytes - footerBytes
    if (position < 0) throw new Damaged(file.path, 0, 'too short to be a span')
    const bytes = await indexAt(cache, file, position, footerBytes)
    return new TableReader(cache, file, readFooter(bytes, file.path, position))
  }

  /** With a footer that was made again. */
  static of(cache: BlockCache, file: CachedFile, footer: Footer): TableReader {
    return new TableReader(cache, file, footer)
  }

  /** The same index through another cache: for who reads all of it and must not push out what others want. */
  through(cache: BlockCache): TableReader {
    return new TableReader(cache, this.file, this.footer)
  }

  /** What the span has of the partition. */
  async find(partition: number): Promise<DirectoryRecord | null> {
    const { directoryPosition, partitions } = this.footer
    const at = await this.lastNotAfter(
      directoryPosition,
      0,
      partitions,
      directoryRecordBytes,
      directoryPartition,
      partition,
    )
    if (at < 0) return null
    const record = await this.directoryAt(at)
    return record.partition === partition ? record : null
  }

  private async directoryAt(index: number): Promise<DirectoryRecord> {
    const { page, at } = await this.record(this.footer.directoryPosition, index, directoryRecordBytes)
    return readDirectoryRecord(page, at)
  }

  /** All records of one page of the directory; pages are 0, 1, ... `directoryPages` - 1. */
  async directoryPage(index: number): Promise<DirectoryRecord[]> {
    const page = await this.page(this.footer.directoryPosition + index * recordPageBytes)
    const perPage = recordsPerPage(directoryRecordBytes)
    const records: DirectoryRecord[] = []
    const count = Math.min(perPage, this.footer.partitions - index * perPage)
    for (let i = 0; i < count; i++) records.push(readDirectoryRecord(page, i * directoryRecordBytes))
    return records
  }

  get directoryPages(): number {
    return pagesOf(this.footer.partitions, directoryRecordBytes)
  }

  async chunkAt(index: number): Promise<ChunkRecord> {
    const { page, at } = await this.record(this.footer.chunksPosition, index, chunkRecordBytes)
    return readChunkRecord(page, at)
  }

  /** Number of the partition's last chunk that begins at or before `offset`, or its first. */
  async findChunk(record: DirectoryRecord, offset: number): Promise<number> {
    const { firstChunk, chunks } = record
    if (chunks === 1) return firstChunk
    const position = this.footer.chunksPosition
    const end = firstChunk + chunks
    const found = await this.lastNotAfter(position, firstChunk, end, chunkRecordBytes, chunkFirstOffset, offset)
    return Math.max(firstChunk, found)
  }

  /** The extents of a chunk. */
  async entries(chunk: ChunkRecord): Promise<LocatedExtent[]> {
    const bytes = await indexAt(this.cache, this.file, chunk.position, chunk.bytes)
    if (crc32c(bytes) !== chunk.crc) {
      // Perhaps only what was read of it is bad: whoever reads again reads the disk.
      this.cache.forgetRange(this.file, chunk.position, chunk.bytes)
      throw new Damaged(this.file.path, chunk.position, `${chunk.extents} index entries fail their checksum`)
    }
    try {
      return decodeEntries(bytes, chunk.firstOffset)
    } catch (error) {
      if (error instanceof MalformedError) throw new Damaged(this.file.path, chunk.position, error.message)
      throw error
    }
  }

  private async page(position: number): Promise<Buffer> {
    const bytes = await indexAt(this.cache, this.file, position, recordPageBytes)
    try {
      checkPage(bytes, this.file.path, position)
    } catch (error) {
      this.cache.forgetRange(this.file, position, recordPageBytes)
      throw error
    }
    return bytes
  }

  private async record(position: number, index: number, recordBytes: number): Promise<{ page: Buffer; at: number }> {
    const at = positionOf(index, recordBytes)
    const within = at % recordPageBytes
    return { page: await this.page(position + at - within), at: within }
  }

  /** Index of the last record in [low, end) whose key is not above `key`, or low - 1. */
  private async lastNotAfter(
    position: number,
    low: number,
    end: number,
    recordBytes: number,
    keyOf: (page: Buffer, at: number) => number,
    key: number,
  ): Promise<number> {
    let first = low
    let last = end
    while (first < last) {
      const middle = (first + last) >>> 1
      const { page, at } = await this.record(position, middle, recordBytes)
      if (keyOf(page, at) <= key) first = middle + 1
      else last = middle
    }
    return first - 1
  }
}

async function indexAt(cache: BlockCache, file: CachedFile, position: number, bytes: number): Promise<Buffer> {
  const into = Buffer.allocUnsafeSlow(bytes)
  await cache.read(file, position, into, indexReader)
  return into
}
