import { assert } from '../../base/index.ts'
import { Budget, Cleaner, type Authority } from '../cleaner/index.ts'
import { IndexPages } from '../index-pages/index.ts'
import {
  adopted,
  decodeEdit,
  encodeEdit,
  Loading,
  Manifest,
  SpanFiles,
  SpanReader,
  writeSidecar,
  type LocatedExtent,
  type OpenSegment,
  type SealedSegment,
  type SpanEdit,
  type SpanHold,
  type SpanHost,
  type SpanInfo,
  type SpanMetrics,
  type Spans,
} from '../span/index.ts'
import type { CheckpointPart, ExtentFacts, ReadMemory, StoredExtent } from '../store.ts'
import { recover } from './recover.ts'

/** Objects of the checkpoint: 0 is the manifest, n + 1 the index of partition n. */
const manifestObject = 0

/** The span half of a store: see `Spans`. Owns the manifest and the index, and sets the parts to work. */
export class SpanSet implements Spans {
  private readonly host: SpanHost
  private readonly manifest = new Manifest()
  private readonly pages = new IndexPages(
    (span) => !this.manifest.has(span),
    () => this.manifest.goneCount,
  )
  private readonly files: SpanFiles
  private readonly reader: SpanReader
  private readonly budget: Budget
  private readonly cleaner: Cleaner
  /** Entries replayed before `recovered`. */
  private edits: { edit: SpanEdit; frame: number }[] = []
  private openReaders = -2
  private adopting: Promise<void> = Promise.resolve()
  private closed = false

  constructor(host: SpanHost) {
    this.host = host
    this.files = new SpanFiles(host, this.manifest)
    this.budget = new Budget(host.clock, host.timers, () => host.load())
    const authority: Authority = {
      start: (partition) => host.bounds(partition)?.start ?? Infinity,
      needed: (partition, first, last) => host.machine.needed(partition, first, last),
      life: (partition) => host.machine.life(partition),
    }
    const { manifest, pages, files, budget } = this
    this.cleaner = new Cleaner({ host, manifest, files, pages, budget, authority })
    this.reader = new SpanReader(host, files, manifest, pages, (span) => this.cleaner.want(span))
  }

  restore(object: number, part: number, frame: number, state: Buffer): void {
    if (object === manifestObject) this.manifest.restore(part, frame, state)
    else this.pages.restore(object - 1, part, state)
  }

  replay(edit: Buffer, frame: number): void {
    const decoded = decodeEdit(edit)
    this.manifest.replay(decoded, frame)
    this.edits.push({ edit: decoded, frame })
  }

  async recovered(): Promise<void> {
    const edits = this.edits.map((one) => one.edit)
    this.edits = []
    await recover(this.host, this.manifest, this.files, this.pages, edits)
  }

  begin(): void {
    this.cleaner.start()
  }

  get adoptedThrough(): number {
    return this.manifest.adoptedThrough
  }

  slots(): Set<number> {
    return new Set(
      this.manifest
        .list()
        .filter(adopted)
        .map(({ slot }) => slot),
    )
  }

  hasSegment(segmentSeq: number): boolean {
    return this.manifest.segment(segmentSeq) !== undefined
  }

  adopt(segment: SealedSegment): Promise<void> {
    this.adopting = this.takeOver(segment)
    return this.adopting
  }

  private async takeOver(segment: SealedSegment): Promise<void> {
    const { index, segmentSeq, slot, endPosition, lastFrame, lastCommitTime } = segment
    const { disk, journalId } = this.host
    const createdAt = lastCommitTime
    const sidecarBytes = await writeSidecar(disk, index, { journalId, createdAt }, () => Promise.resolve())
    if (this.closed) return
    assert(segmentSeq > this.manifest.adoptedThrough, 'segments are adopted in their order')
    const info: SpanInfo = {
      id: this.manifest.takeId(),
      firstSeq: segmentSeq,
      lastSeq: segmentSeq,
      slot,
      life: null,
      dataBytes: endPosition,
      sidecarBytes,
      payloadBytes: index.payloadBytes,
      extents: index.count,
      newestAt: lastCommitTime,
      lastFrame,
      segmentsOn: index.segmentsOn,
    }
    const edit = { removed: [], added: [info] }
    // Staged and in effect at once, like every change of state; a crash that takes it back has the segment adopted again.
    void this.host.stageManifest(encodeEdit(edit))
    this.manifest.apply(edit)
    for (const partition of index.partitions()) {
      if (this.host.bounds(partition) === null) continue
      const first = index.firstOffset(partition)
      this.pages.insert(partition, first, index.nextOffset(partition), info.id, index.bytesFrom(partition, first))
    }
  }

  readonly read: Spans['read'] = (...terms) => this.reader.read(...terms)

  readonly pace: Spans['pace'] = (reads) => this.reader.pace(reads)

  extents(partition: number, from: number, below: number, limit: number): Promise<ExtentFacts[]> {
    return this.reader.extents(partition, from, below, limit)
  }

  async readOpen(
    segments: readonly OpenSegment[],
    extents: readonly LocatedExtent[],
    memory: ReadMemory | undefined,
    found: (extent: StoredExtent) => void,
  ): Promise<void> {
    const files = segments.map((segment) => this.files.open(segment))
    const reader = this.openReaders--
    const loading = new Loading(this.files.cache, memory)
    for (const extent of extents) loading.add(extent, reader, (segmentsOn) => files[segmentsOn]!)
    try {
      await loading.loaded()
    } finally {
      for (const extent of loading.found) found(extent)
    }
  }

  nextOffset(partition: number): number {
    return this.pages.nextOffset(partition)
  }

  bytesFrom(partition: number, start: number): number {
    return this.pages.bytesFrom(partition, start)
  }

  dropped(partition: number): void {
    this.pages.drop(partition)
  }

  forgetSlot(slot: number): Promise<void> {
    return this.files.forgetSlot(slot)
  }

  hold(): SpanHold {
    const infos = this.manifest.list()
    for (const { id } of infos) this.files.pin(id)
    return {
      infos,
      goneBytes: () => infos.reduce((sum, info) => sum + (this.manifest.has(info.id) ? 0 : info.dataBytes), 0),
      release: () => infos.forEach(({ id }) => this.files.unpin(id)),
    }
  }

  checkpoint(round: number, full: boolean): CheckpointPart | null {
    const ofManifest = this.manifest.checkpoint(round, full)
    if (ofManifest !== null) return ofManifest
    const page = this.pages.checkpoint(round, full)
    return page === null ? null : { ...page, object: page.object + 1 }
  }

  clean(): Promise<void> {
    return this.cleaner.clean()
  }

  metrics(): SpanMetrics {
    const { cache } = this.files
    return {
      settledBytes: this.cleaner.settledBytes,
      liveBytes: this.cleaner.liveBytes,
      diskBytes: this.manifest
        .list()
        .reduce((sum, info) => sum + (adopted(info) ? info.sidecarBytes : info.dataBytes), 0),
      cacheBytes: cache.bytes,
      cacheHits: cache.hits,
      cacheMisses: cache.misses,
      spans: this.manifest.size,
    }
  }

  async close(): Promise<void> {
    this.closed = true
    await this.adopting.catch(() => undefined) // Who called `adopt` was told.
    await this.cleaner.close()
    await this.files.close()
  }
}
