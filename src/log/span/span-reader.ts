import { DiskError } from '../../world/index.ts'
import { Readahead, type CachedFile } from '../cache/index.ts'
import { costOf, Damaged } from '../damaged.ts'
import type { IndexPages, Stretch } from '../index-pages/index.ts'
import type { ExtentFacts, ReadMemory, StoredExtent } from '../store.ts'
import type { DirectoryRecord } from './directory.ts'
import { Loading } from './loading.ts'
import type { LocatedExtent } from './located-extent.ts'
import type { Manifest } from './manifest.ts'
import type { SpanFiles } from './span-files.ts'
import type { SpanInfo } from './span-info.ts'

const cursorsMax = 4096
const decodedChunksMax = 32
/** A reader of a partition that has less than one in so many of a segment's bytes is better off settled. */
const thinShare = 4

/** Where a reader that reads on will find its next record, so that it need not search again (D3). */
interface Cursor {
  /** Tells it from other readers, for the cache. */
  readonly reader: number
  readonly readahead: Readahead
  span: number
  record: DirectoryRecord | null
  chunk: number
}

/** Returns whether to go on. `file` gives the file of the segment so many on. */
type Visit = (extent: LocatedExtent, cursor: Cursor, file: (segmentsOn: number) => CachedFile) => boolean

/** Reads a partition's records from adopted segments and settled spans, in order. */
export class SpanReader {
  private readonly files: SpanFiles
  private readonly manifest: Manifest
  private readonly pages: IndexPages
  /** By the partition and offset they stand at; least recently used first. */
  private readonly cursors = new Map<string, Cursor>()
  private readonly decoded = new Map<string, Promise<LocatedExtent[]>>()
  private readonly scattered: (span: number) => void
  private nextReader = 1

  /** `scattered` is told when a partition's records are thinly spread over an adopted segment (C2). */
  constructor(files: SpanFiles, manifest: Manifest, pages: IndexPages, scattered: (span: number) => void) {
    this.scattered = scattered
    this.files = files
    this.manifest = manifest
    this.pages = pages
  }

  /** All payloads that are not in memory are asked for at once, and awaited before their span is let go. */
  async read(
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
    memory?: ReadMemory,
  ): Promise<StoredExtent[]> {
    const loading = new Loading(this.files.cache, memory)
    let bytes = 0
    const visit: Visit = (extent, cursor, file) => {
      loading.add(extent, cursor.reader, file)
      bytes += extent.bytes
      return bytes < bytesMax
    }
    const walked = this.walk(partition, from, below, visit, async (cursor) => {
      await loading.loaded()
      this.readAhead(cursor, loading)
    })
    await walked.catch(unlessFound(loading.found))
    return loading.found
  }

  /** The client gets what was read, and comes back for more: that is on its way meanwhile. */
  private readAhead(cursor: Cursor, { file, first, last }: Loading): void {
    if (file === null) return
    const count = cursor.readahead.moved(file.id, first, last)
    if (count > 0) void this.files.cache.prefetch(file, last + 1, count, cursor.reader)
  }

  async extents(partition: number, from: number, below: number, limit: number): Promise<ExtentFacts[]> {
    const found: ExtentFacts[] = []
    if (limit <= 0) return found
    const walked = this.walk(partition, from, below, (extent) => {
      const { baseOffset, count, maxTimestamp, appendTime, flags, meta } = extent
      found.push({ baseOffset, count, maxTimestamp, appendTime, flags, meta })
      return found.length < limit
    })
    await walked.catch(unlessFound(found))
    return found
  }

  /** `done` is awaited for each span that was visited, while it is still there. */
  private async walk(
    partition: number,
    from: number,
    below: number,
    visit: Visit,
    done: (cursor: Cursor) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const cursor = this.takeCursor(partition, from)
    let offset = from
    for (let again = true; again;) {
      const stretch = this.pages.find(partition, offset)
      if (stretch === null || stretch.from >= below) break
      const info = this.manifest.get(stretch.span)!
      this.files.pin(info.id)
      try {
        const end = await this.walkSpan(partition, info, stretch, offset, below, cursor, visit)
        again = end < 0
        offset = again ? Math.max(offset, stretch.below) : end
      } finally {
        await done(cursor).finally(() => this.files.unpin(info.id))
      }
    }
    this.keepCursor(partition, offset, cursor)
  }

  /** Returns the offset where `visit` wanted no more, or -1 when the stretch is exhausted. */
  private async walkSpan(
    partition: number,
    info: SpanInfo,
    stretch: Stretch,
    from: number,
    below: number,
    cursor: Cursor,
    visit: Visit,
  ): Promise<number> {
    const end = Math.min(below, stretch.below)
    const file = (segmentsOn: number): CachedFile => this.files.following(info, segmentsOn)
    if (cursor.span !== info.id || cursor.record === null) {
      await this.seek(partition, info, from, cursor).catch((error: unknown) => {
        throw costOf(error, from, stretch.below)
      })
    }
    const record = cursor.record
    if (record === null) return -1
    let reached = from
    const chunksEnd = record.firstChunk + record.chunks
    while (cursor.chunk < chunksEnd) {
      const extents = await this.entries(info, cursor.chunk).catch(async (error: unknown) => {
        throw costOf(error, reached, await this.chunkEnd(info, cursor.chunk, chunksEnd, stretch.below))
      })
      for (const extent of extents) {
        const extentEnd = extent.baseOffset + extent.count
        if (extentEnd <= from) continue
        if (extent.baseOffset >= end) return end === below ? Math.max(reached, below) : -1
        reached = extentEnd
        if (!visit(extent, cursor, file)) return extentEnd
      }
      cursor.chunk++
    }
    return -1
  }

  private async seek(partition: number, info: SpanInfo, from: number, cursor: Cursor): Promise<void> {
    cursor.span = info.id
    try {
      await this.place(partition, info, from, cursor)
    } catch (error) {
      if (!(await this.files.mend(info, error))) throw error
      await this.place(partition, info, from, cursor)
    }
  }

  private async place(partition: number, info: SpanInfo, from: number, cursor: Cursor): Promise<void> {
    const table = await this.files.table(info)
    cursor.record = await table.find(partition)
    cursor.chunk = cursor.record === null ? 0 : await table.findChunk(cursor.record, from)
    if (cursor.record !== null && info.slot >= 0 && cursor.record.payloadBytes * thinShare < info.payloadBytes) {
      this.scattered(info.id)
    }
  }

  private entries(info: SpanInfo, chunk: number): Promise<LocatedExtent[]> {
    const key = `${info.id}/${chunk}`
    let entries = this.decoded.get(key)
    if (entries !== undefined) {
      this.decoded.delete(key)
    } else {
      entries = this.decode(info, chunk)
      entries.catch(() => this.decoded.delete(key))
      if (this.decoded.size >= decodedChunksMax) this.decoded.delete(this.decoded.keys().next().value!)
    }
    this.decoded.set(key, entries)
    return entries
  }

  private async decode(info: SpanInfo, chunk: number): Promise<LocatedExtent[]> {
    try {
      const table = await this.files.table(info)
      return await table.entries(await table.chunkAt(chunk))
    } catch (error) {
      if (!(await this.files.mend(info, error))) throw error
      const table = await this.files.table(info)
      return table.entries(await table.chunkAt(chunk))
    }
  }

  /** Where the records end that stand in a chunk which cannot be read. */
  private async chunkEnd(info: SpanInfo, chunk: number, chunksEnd: number, end: number): Promise<number> {
    if (chunk + 1 >= chunksEnd) return end
    try {
      const table = await this.files.table(info)
      return (await table.chunkAt(chunk + 1)).firstOffset
    } catch {
      return end
    }
  }

  private takeCursor(partition: number, offset: number): Cursor {
    const key = `${partition}/${offset}`
    const cursor = this.cursors.get(key)
    if (cursor === undefined) {
      return { reader: this.nextReader++, readahead: new Readahead(), span: 0, record: null, chunk: 0 }
    }
    this.cursors.delete(key)
    return cursor
  }

  private keepCursor(partition: number, offset: number, cursor: Cursor): void {
    this.cursors.set(`${partition}/${offset}`, cursor)
    if (this.cursors.size > cursorsMax) this.cursors.delete(this.cursors.keys().next().value!)
  }
}

/** What was found before something is worth having; whoever goes on behind it meets the error at once. */
const unlessFound =
  (found: readonly unknown[]) =>
  (error: unknown): void => {
    if (found.length === 0 || !(error instanceof Damaged || error instanceof DiskError)) throw error
  }
