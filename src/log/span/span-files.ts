import { DiskError } from '../../world/index.ts'
import { BlockCache, FilePool, type CachedFile } from '../cache/index.ts'
import { Damaged } from '../damaged.ts'
import type { OpenSegment, SpanHost } from './host.ts'
import type { Manifest } from './manifest.ts'
import { rebuildFooter } from './rebuild-footer.ts'
import type { SegmentIndex } from './segment-index.ts'
import { writeSidecar } from './sidecar.ts'
import { adopted, spanPath, tablePath, type SpanInfo } from './span-info.ts'
import { TableReader } from './table-reader.ts'

/** Footers kept in memory. */
const tablesMax = 256
/** Room for the places where a merge of 16 spans reads. */
const scanCacheBytes = 12 * 1024 * 1024
/** File ids of the cache: two for each span, and from here on one for each segment that is not adopted. */
const openSegmentIds = 2 ** 30

/**
 * The files of the spans as readers and the cleaner see them: payloads, and the index beside or behind them. A span
 * that is being read is *pinned*: when it is removed from the manifest meanwhile, its file goes when the read is over.
 */
export class SpanFiles {
  readonly cache: BlockCache
  /** For the cleaner, which reads everything once. */
  private readonly scanCache: BlockCache
  private readonly host: SpanHost
  private readonly manifest: Manifest
  private readonly pool: FilePool
  private readonly tables = new Map<number, Promise<TableReader>>()
  private readonly pins = new Map<number, number>()
  /** Adopted segments whose file was not there at the start: damage, where a disk that is away would be an error. */
  readonly missing = new Set<number>()
  /** Adopted segments whose frames end early, found when their index was made again: not all of their extents are in it. */
  readonly cutShort = new Map<number, Damaged>()
  private readonly whenUnpinned = new Map<number, () => void>()

  constructor(host: SpanHost, manifest: Manifest) {
    this.host = host
    this.manifest = manifest
    this.pool = new FilePool(host.disk, host.limits.openFilesMax)
    this.cache = new BlockCache(this.pool, host.limits.cacheBytesMax)
    this.scanCache = new BlockCache(this.pool, scanCacheBytes)
  }

  pin(id: number): void {
    this.pins.set(id, (this.pins.get(id) ?? 0) + 1)
  }

  unpin(id: number): void {
    const count = this.pins.get(id)! - 1
    if (count > 0) {
      this.pins.set(id, count)
      return
    }
    this.pins.delete(id)
    const run = this.whenUnpinned.get(id)
    this.whenUnpinned.delete(id)
    run?.()
  }

  /** Calls `run` when nobody reads the span any more, perhaps now. The span is not in the manifest any more. */
  unused(id: number, run: () => void): void {
    if (this.pins.has(id)) this.whenUnpinned.set(id, run)
    else run()
  }

  /** The file that holds the payloads. */
  data(info: SpanInfo): CachedFile {
    const file = this.place(info)
    if (this.missing.has(info.id)) throw new Damaged(file.path, 0, `segment ${info.firstSeq} is missing`)
    return file
  }

  private place(info: SpanInfo): CachedFile {
    const path = adopted(info) ? this.host.slotPath(info.slot) : spanPath(info)
    return { id: info.id * 2, path, bytes: info.dataBytes }
  }

  open(segment: OpenSegment): CachedFile {
    const { segmentSeq, slot, endPosition } = segment
    return { id: openSegmentIds + segmentSeq, path: this.host.slotPath(slot), bytes: endPosition }
  }

  /** The file of the segment `segmentsOn` after an adopted one: where a payload that was cut goes on. */
  following(info: SpanInfo, segmentsOn: number): CachedFile {
    if (segmentsOn === 0) return this.data(info)
    const next = this.after(info, segmentsOn)
    if (next !== undefined) return this.data(next)
    const seq = info.firstSeq + segmentsOn
    const open = this.host.openSegment(seq)
    if (open === null) throw new Damaged(this.data(info).path, 0, `a payload goes on in segment ${seq}, which is gone`)
    return this.open(open)
  }

  /** That segment, if it is adopted: it stays only while it is pinned, too. */
  after(info: SpanInfo, segmentsOn: number): SpanInfo | undefined {
    return segmentsOn === 0 ? undefined : this.manifest.segment(info.firstSeq + segmentsOn)
  }

  /** The index of a span; that of an adopted segment is made again when it is missing or damaged. */
  table(info: SpanInfo): Promise<TableReader> {
    let table = this.tables.get(info.id)
    if (table !== undefined) {
      this.tables.delete(info.id)
    } else {
      table = adopted(info) ? this.openSidecar(info) : this.openSettled(info)
      table.catch(() => this.tables.delete(info.id))
      if (this.tables.size >= tablesMax) this.tables.delete(this.tables.keys().next().value!)
    }
    this.tables.set(info.id, table)
    return table
  }

  /** The index as the cleaner reads it, which must know all that would go. */
  async scan(info: SpanInfo): Promise<TableReader> {
    const table = await this.table(info)
    const damage = this.cutShort.get(info.id)
    if (damage !== undefined) throw damage
    return table.through(this.scanCache)
  }

  /** Reads past the cache, for the cleaner. */
  readonly readAround = (file: CachedFile, into: Buffer, at: number): Promise<number> =>
    this.cache.around(file, into, at)

  /** Gives back the memory that the cleaner read into. */
  scanned(): void {
    this.scanCache.clear()
  }

  /** Without its footer all of a span would be lost to readers, and it can be made again from the pages before it. */
  private async openSettled(info: SpanInfo): Promise<TableReader> {
    const file = this.data(info)
    try {
      return await TableReader.open(this.cache, file)
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
      const at = async (position: number, bytes: number): Promise<Buffer> => {
        const into = Buffer.alloc(bytes)
        return into.subarray(0, await this.cache.around(file, into, position))
      }
      const footer = await rebuildFooter({ at }, file.path, info)
      if (footer === null) throw error
      this.host.report(error)
      return TableReader.of(this.cache, file, footer)
    }
  }

  private async openSidecar(info: SpanInfo): Promise<TableReader> {
    const path = tablePath(info)
    const facts = await this.host.disk.stat(path)
    if (facts === null) return this.rebuild(info)
    try {
      const table = await TableReader.open(this.cache, { id: info.id * 2 + 1, path, bytes: facts.bytes })
      const { journalId, firstSeq, extents } = table.footer
      // A sidecar of another journal in the same folder, or of a history that a crash took back; or it is cut short.
      const own = journalId.equals(this.host.journalId) && firstSeq === info.firstSeq
      if (own && extents === info.extents) return table
    } catch (error) {
      if (!(error instanceof Damaged) && !(error instanceof DiskError && error.kind === 'notFound')) throw error
      this.host.report(error)
    }
    return this.rebuild(info)
  }

  private async rebuild(info: SpanInfo): Promise<TableReader> {
    const path = tablePath(info)
    const index = await this.host.scanSegment(info.slot, info.firstSeq)
    this.compare(info, index)
    const facts = { journalId: this.host.journalId, createdAt: info.newestAt }
    await this.forgetTable(info)
    const bytes = await writeSidecar(this.host.disk, index, facts, () => Promise.resolve())
    return TableReader.open(this.cache, { id: info.id * 2 + 1, path, bytes })
  }

  /** A frame that has rotted at the end of a segment looks like one that was never written; the manifest knows better. */
  private compare(info: SpanInfo, { count, repaired }: SegmentIndex): void {
    this.cutShort.delete(info.id)
    if (count === info.extents || repaired) return
    const detail = `segment ${info.firstSeq} ends early: ${count} extents of ${info.extents} are there`
    const damage = new Damaged(this.host.slotPath(info.slot), 0, detail)
    this.cutShort.set(info.id, damage)
    this.host.report(damage)
  }

  /** After `Damaged` in the sidecar of an adopted segment: it is only a cache, so make it again. False: not a sidecar. */
  async mend(info: SpanInfo, damage: unknown): Promise<boolean> {
    if (!(damage instanceof Damaged) || !adopted(info) || damage.file !== tablePath(info)) return false
    this.host.report(damage)
    const table = this.rebuild(info)
    this.tables.set(info.id, table)
    table.catch(() => this.tables.delete(info.id))
    await table
    return true
  }

  private async forgetTable(info: SpanInfo): Promise<void> {
    const path = tablePath(info)
    const facts = await this.host.disk.stat(path)
    const file = { id: info.id * 2 + 1, path, bytes: facts?.bytes ?? 0 }
    this.cache.forget(file)
    this.scanCache.forget(file)
    await this.pool.forget(path)
  }

  /** Before the files of a span that is gone are removed or reused. */
  async forget(info: SpanInfo): Promise<void> {
    this.tables.delete(info.id)
    const file = this.place(info)
    this.missing.delete(info.id)
    this.cutShort.delete(info.id)
    this.cache.forget(file)
    this.scanCache.forget(file)
    await this.pool.forget(file.path)
    if (adopted(info)) await this.forgetTable(info)
  }

  /** Before a slot is used again: see `Spans.forgetSlot`. */
  forgetSlot(slot: number): Promise<void> {
    return this.pool.forget(this.host.slotPath(slot))
  }

  close(): Promise<void> {
    return this.pool.end()
  }
}
