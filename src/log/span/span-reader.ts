import { DiskError } from '../../world/index.ts'
import { Readahead, type CachedFile } from '../cache/index.ts'
import { costOf, Damaged } from '../damaged.ts'
import type { IndexPages, Stretch } from '../index-pages/index.ts'
import type { ExtentFacts, Pace, ReadMemory, StoredExtent } from '../store.ts'
import type { DirectoryRecord } from './directory.ts'
import { Loading } from './loading.ts'
import type { LocatedExtent } from './located-extent.ts'
import type { Manifest } from './manifest.ts'
import { paces } from './pace.ts'
import type { SpanHost } from './host.ts'
import type { SpanFiles } from './span-files.ts'
import { adopted, type SpanInfo } from './span-info.ts'

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
  /** Where in the journal the next record lies, bytes; null: not known, or not in a segment. */
  place: number | null
}

/**
 * Whether to go on, or where to end: before this extent or behind it. `file` gives the file of the segment so many on;
 * the cursor's place is that of the extent.
 */
type Visit = (
  extent: LocatedExtent,
  cursor: Cursor,
  file: (segmentsOn: number) => CachedFile,
) => 'on' | 'before' | 'behind'

/** Reads a partition's records from adopted segments and settled spans, in order. */
export class SpanReader {
  private readonly files: SpanFiles
  private readonly manifest: Manifest
  private readonly pages: IndexPages
  /** By the partition and offset they stand at; least recently used first. */
  private readonly cursors = new Map<string, Cursor>()
  private readonly decoded = new Map<string, Promise<LocatedExtent[]>>()
  private readonly scattered: (span: number) => void
  private readonly segmentBytes: number
  /** Who reads together stays within what the cache surely keeps for one who passes by. */
  private readonly window: number
  private nextReader = 1

  /** `scattered` is told when a partition's records are thinly spread over an adopted segment (C2). */
  constructor(
    { limits, segmentBytes }: Pick<SpanHost, 'limits' | 'segmentBytes'>,
    files: SpanFiles,
    manifest: Manifest,
    pages: IndexPages,
    scattered: (span: number) => void,
  ) {
    this.segmentBytes = segmentBytes
    this.window = limits.cacheBytesMax / 4
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
    until = Infinity,
  ): Promise<StoredExtent[]> {
    const loading = new Loading(this.files.cache, memory)
    let bytes = 0
    const visit: Visit = (extent, cursor, file) => {
      if (bytes > 0 && cursor.place !== null && cursor.place >= until) return 'before'
      loading.add(extent, cursor.reader, file)
      bytes += extent.bytes
      return bytes < bytesMax ? 'on' : 'behind'
    }
    const walked = this.walk(partition, from, below, visit, async (info, cursor) => {
      await loading.loaded()
      this.readAhead(info, cursor, loading)
    })
    await walked.catch(unlessFound(loading.found))
    return loading.found
  }

  /** See `Store.pace`. */
  pace(reads: readonly { partition: number; from: number }[]): Pace[] | null {
    if (this.cursors.size === 0) return null
    const places = reads.map(({ partition, from }) => {
      const cursor = this.cursors.get(keyOf(partition, from))
      // What was settled meanwhile lies elsewhere.
      return cursor === undefined || !this.manifest.has(cursor.span) ? null : cursor.place
    })
    return places.some((place) => place !== null) ? paces(places, this.window) : null
  }

  /** The client gets what was read, and comes back for more: that is on its way meanwhile. */
  private readAhead(info: SpanInfo, cursor: Cursor, { file, first, last }: Loading): void {
    if (file === null) return
    const count = cursor.readahead.moved(file.id, first, last)
    if (count <= 0) return
    // Else it would open a file again that was given up, and whoever reads the next one in that place had the old one.
    this.files.pin(info.id)
    void this.files.cache.prefetch(file, last + 1, count, cursor.reader).finally(() => this.files.unpin(info.id))
  }

  async extents(partition: number, from: number, below: number, limit: number): Promise<ExtentFacts[]> {
    const found: ExtentFacts[] = []
    if (limit <= 0) return found
    const walked = this.walk(partition, from, below, (extent) => {
      const { baseOffset, count, maxTimestamp, appendTime, flags, meta } = extent
      found.push({ baseOffset, count, maxTimestamp, appendTime, flags, meta })
      return found.length < limit ? 'on' : 'behind'
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
    done: (info: SpanInfo, cursor: Cursor) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const cursor = this.takeCursor(partition, from)
    let offset = from
    for (let again = true; again;) {
      const stretch = this.pages.find(partition, offset)
      if (stretch === null || stretch.from >= below) break
      const info = this.manifest.get(stretch.span)!
      const pinned = new Pinned(this.files, info)
      try {
        const end = await this.walkSpan(partition, pinned, stretch, offset, below, cursor, visit)
        again = end < 0
        offset = again ? Math.max(offset, stretch.below) : end
        if (again) cursor.place = null
      } finally {
        await done(info, cursor).finally(() => pinned.release())
      }
    }
    this.keepCursor(partition, offset, cursor)
  }

  /** Returns the offset where `visit` wanted to end, or -1 when the stretch is exhausted. */
  private async walkSpan(
    partition: number,
    pinned: Pinned,
    stretch: Stretch,
    from: number,
    below: number,
    cursor: Cursor,
    visit: Visit,
  ): Promise<number> {
    const end = Math.min(below, stretch.below)
    const { info, file } = pinned
    if (cursor.span !== info.id || cursor.record === null) {
      await this.seek(partition, info, from, cursor).catch((error: unknown) => {
        throw costOf(error, from, stretch.below)
      })
    }
    const { record } = cursor
    let reached = from
    const chunksEnd = record === null ? cursor.chunk : record.firstChunk + record.chunks
    while (cursor.chunk < chunksEnd) {
      const extents = await this.entries(info, cursor.chunk).catch(async (error: unknown) => {
        throw costOf(error, reached, await this.chunkEnd(info, cursor.chunk, chunksEnd, stretch.below))
      })
      for (let i = 0; i < extents.length; i++) {
        const extent = extents[i]!
        const extentEnd = extent.baseOffset + extent.count
        if (extentEnd <= from) continue
        cursor.place = this.placeOf(info, extent)
        if (extent.baseOffset >= end) return end === below ? Math.max(reached, below) : -1
        const wish = visit(extent, cursor, file)
        if (wish === 'before') return reached
        reached = extentEnd
        if (wish === 'on') continue
        const next = extents[i + 1]
        cursor.place = next === undefined || next.baseOffset >= stretch.below ? null : this.placeOf(info, next)
        return reached
      }
      cursor.chunk++
    }
    const cutShort = this.files.cutShort.get(info.id)
    if (cutShort !== undefined && reached < end) throw costOf(cutShort, reached, stretch.below)
    return -1
  }

  /** Segments lie one behind the other, as if each were of the size that new ones have. */
  private placeOf(info: SpanInfo, { pieces }: LocatedExtent): number | null {
    return adopted(info) ? info.firstSeq * this.segmentBytes + (pieces[0]?.position ?? 0) : null
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
    const key = keyOf(partition, offset)
    const cursor = this.cursors.get(key)
    if (cursor === undefined) {
      return { reader: this.nextReader++, readahead: new Readahead(), span: 0, record: null, chunk: 0, place: null }
    }
    this.cursors.delete(key)
    return cursor
  }

  private keepCursor(partition: number, offset: number, cursor: Cursor): void {
    this.cursors.set(keyOf(partition, offset), cursor)
    if (this.cursors.size > cursorsMax) this.cursors.delete(this.cursors.keys().next().value!)
  }
}

/** A span that is being read, with the segments after it in which its payloads go on. */
class Pinned {
  readonly info: SpanInfo
  private readonly spanFiles: SpanFiles
  private readonly files: CachedFile[] = []
  private readonly ids: number[]

  constructor(spanFiles: SpanFiles, info: SpanInfo) {
    this.spanFiles = spanFiles
    this.info = info
    this.ids = [info.id]
    spanFiles.pin(info.id)
  }

  readonly file = (segmentsOn: number): CachedFile => {
    const known = this.files[segmentsOn]
    if (known !== undefined) return known
    const next = this.spanFiles.after(this.info, segmentsOn)
    if (next !== undefined) {
      this.spanFiles.pin(next.id)
      this.ids.push(next.id)
    }
    return (this.files[segmentsOn] = this.spanFiles.following(this.info, segmentsOn))
  }

  release(): void {
    for (const id of this.ids) this.spanFiles.unpin(id)
  }
}

const keyOf = (partition: number, offset: number): string => `${partition}/${offset}`

/** What was found before something is worth having; whoever goes on behind it meets the error at once. */
const unlessFound =
  (found: readonly unknown[]) =>
  (error: unknown): void => {
    if (found.length === 0 || !(error instanceof Damaged || error instanceof DiskError)) throw error
  }
