import { assert } from '../../base/index.ts'
import type { Clock, Disk, Timers } from '../../world/index.ts'
import { DiskError } from '../../world/index.ts'
import { entryKind } from '../frame/index.ts'
import { slotPath, type Slots } from '../journal/slots.ts'
import type { OpenSegment, SegmentIndex, SpanHost, SpanLimits, StoreLoad } from '../span/index.ts'
import type { Bounds, Machine } from '../store.ts'
import type { Partitions } from './partitions.ts'
import type { Committer } from './committer.ts'
import type { Retirement } from './retirement.ts'
import { scanSegment } from './scan-segment.ts'
import type { HeldSegments } from './segments.ts'

/** The parts of the store that the spans need through this seam. */
export interface HostedStore {
  readonly committer: Committer
  readonly retirement: Retirement
  readonly slots: Slots
  /** A hard entry of the store's own; resolves with its commit when that is durable. */
  stageOwn(kind: number, object: number, body: Uint8Array): Promise<number>
}

/** The store as the spans see it. It exists before the store does: recovery needs the spans. */
export class EngineHost implements SpanHost {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly machine: Machine
  readonly journalId: Buffer
  readonly limits: SpanLimits
  readonly segmentBytes: number
  store: HostedStore | null = null
  /** Which slot holds which segment, as far as anybody may want to know. */
  readonly slotOfSegment = new Map<number, number>()
  /** Where the last frame of a sealed segment ends, of those that this process has read or written. */
  readonly endOfSegment = new Map<number, number>()
  private readonly tell: (error: Error) => void
  private readonly partitions: Partitions
  private readonly held: HeldSegments
  private idleP99Ms = 0

  constructor(
    terms: {
      disk: Disk
      clock: Clock
      timers: Timers
      machine: Machine
      limits: SpanLimits
      segmentBytes: number
      report: (error: Error) => void
    },
    journalId: Buffer,
    partitions: Partitions,
    held: HeldSegments,
  ) {
    this.disk = terms.disk
    this.clock = terms.clock
    this.timers = terms.timers
    this.machine = terms.machine
    this.limits = terms.limits
    this.segmentBytes = terms.segmentBytes
    this.tell = terms.report
    this.journalId = journalId
    this.partitions = partitions
    this.held = held
  }

  slotPath(slot: number): string {
    return slotPath(slot)
  }

  bounds(partition: number): Pick<Bounds, 'start' | 'next'> | null {
    return this.partitions.find(partition) ?? null
  }

  async stageManifest(edit: Buffer): Promise<number> {
    assert(this.store !== null, 'nothing is staged during recovery')
    try {
      return await this.store.stageOwn(entryKind.manifest, 0, edit)
    } catch {
      return new Promise(() => undefined)
    }
  }

  scanSegment(slot: number, segmentSeq: number): Promise<SegmentIndex> {
    return scanSegment(this.disk, (seq) => this.slotOfSegment.get(seq), slot, segmentSeq)
  }

  forgetSegment(segmentSeq: number): void {
    this.slotOfSegment.delete(segmentSeq)
    this.endOfSegment.delete(segmentSeq)
  }

  openSegment(segmentSeq: number): OpenSegment | null {
    return this.held.get(segmentSeq) ?? null
  }

  releaseSlot(slot: number, segmentSeq: number, commit: number): void {
    this.store?.retirement.release(slot, segmentSeq, commit)
  }

  load(): StoreLoad {
    if (this.store === null) return { ingestedBytes: 0, commitP99Ms: 0, commitP99IdleMs: 0 }
    const { committer } = this.store
    const commitP99Ms = committer.times.recentP99()
    // What commits take when little else goes on: the lowest seen, forgotten slowly.
    if (commitP99Ms > 0) {
      this.idleP99Ms = this.idleP99Ms === 0 ? commitP99Ms : Math.min(commitP99Ms, this.idleP99Ms * 1.01)
    }
    return { ingestedBytes: committer.ingestedBytes, commitP99Ms, commitP99IdleMs: this.idleP99Ms }
  }

  report(error: Error): void {
    if (error instanceof DiskError && error.kind === 'full') this.store?.slots.refill()
    this.tell(error)
  }
}
