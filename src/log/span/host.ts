import type { Clock, Disk, Timers } from '../../world/index.ts'
import type { Bounds, CheckpointPart, ExtentFacts, Machine, Pace, ReadMemory, StoredExtent } from '../store.ts'
import type { LocatedExtent } from './located-extent.ts'
import type { SegmentIndex } from './segment-index.ts'
import type { SpanInfo } from './span-info.ts'

/**
 * The seam of the log's halves. The *journal half* writes frames into slots and recycles them; the *span half* keeps,
 * finds, settles and frees what is older than the active segment.
 *
 *   slot:  free --(commits)--> active --(sealed)--> adopted by the spans --(release)--> free
 *
 * What the span half needs of the store that holds it.
 */
export interface SpanHost {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly machine: Pick<Machine, 'needed' | 'life'>
  /** Random, of this journal: written into every file, so that another journal's cannot pass for ours. 16 bytes. */
  readonly journalId: Buffer
  readonly limits: SpanLimits
  /** Of new segments; older ones may have another size. */
  readonly segmentBytes: number
  /** Path of a slot's file, relative to the data folder. */
  slotPath(slot: number): string
  /** Null when the partition was dropped (ids are never reused). */
  bounds(partition: number): Pick<Bounds, 'start' | 'next'> | null
  /**
   * Stages an entry of kind `manifest` as a hard one and resolves, once it is durable, with the number of its commit.
   * Never resolves after the store has failed. The spans change their state when they stage, like everybody.
   */
  stageManifest(edit: Buffer): Promise<number>
  /** Reads a sealed segment's frames again and indexes them: for a sidecar that is missing or damaged. */
  scanSegment(slot: number, segmentSeq: number): Promise<SegmentIndex>
  /** The segment with this number while the spans do not have it: a large payload may run on into it. */
  openSegment(segmentSeq: number): OpenSegment | null
  /**
   * Nobody needs the slot's bytes any more, as the entry of commit `commit` says, which is durable. The slot may be
   * recycled when that commit lies before the older of the two checkpoints, and so does the segment itself.
   */
  releaseSlot(slot: number, segmentSeq: number, commit: number): void
  /** Facts for the cleaner's speed (C4). */
  load(): StoreLoad
  /** An I/O error or damage met in the background; the cleaner tries again later. */
  report(error: Error): void
}

export interface StoreLoad {
  /** Bytes that came in from the outside since the start. */
  ingestedBytes: number
  /** p99 of the commit time over the last seconds, and what it is on this disk when the cleaner rests; ms. */
  commitP99Ms: number
  commitP99IdleMs: number
}

export interface SpanLimits {
  cacheBytesMax: number
  /** Files open for reading at once. */
  openFilesMax: number
  /** The cleaner's two clocks (C2). */
  mergeAfterMs: number
  settleAfterMs: number
  spanBytesMax: number
  /** How often the cleaner looks whether there is something to do; 0: only when told to (`clean`). */
  lookEveryMs: number
}

export const defaultSpanLimits: SpanLimits = {
  cacheBytesMax: 32 * 1024 * 1024,
  openFilesMax: 64,
  mergeAfterMs: 60_000,
  settleAfterMs: 3_600_000,
  spanBytesMax: 1024 * 1024 * 1024,
  lookEveryMs: 1000,
}

/** A segment that will not be written any more. An extent belongs to the segment that its commit begins in. */
export interface SealedSegment {
  segmentSeq: number
  slot: number
  /** Where its last frame ends in the slot's file. */
  endPosition: number
  /** Number of its last commit: it lies before a checkpoint whose first frame is higher. */
  lastFrame: number
  /** Commit time of its last frame, ms since 1970. */
  lastCommitTime: number
  index: SegmentIndex
}

/** A segment's file while the spans do not have it yet. */
export interface OpenSegment {
  segmentSeq: number
  slot: number
  /** Bytes below this position will not change any more. */
  endPosition: number
}

/**
 * The span half, as the store uses it. At the start: `restore` for each part of the checkpoint that `checkpoint` gave
 * out, `replay` for each MANIFEST entry after it, then `recovered`, and `begin` when the store takes entries.
 */
export interface Spans {
  restore(object: number, part: number, frame: number, state: Buffer): void
  replay(edit: Buffer, frame: number): void
  /** Puts the index in order, removes files that the manifest does not name. Rejects with `Damaged`. */
  recovered(): Promise<void>
  /** From now on spans are cleaned. Not before the FENCE, which is the first frame of an epoch. */
  begin(): void
  /**
   * The highest segment that was ever adopted. A sealed one above it lost its adoption in the crash: call `adopt`
   * again, in order. One up to here that `hasSegment` denies was replaced or was dead: its slot is free.
   */
  readonly adoptedThrough: number
  /** Those of the adopted segments. */
  slots(): Set<number>
  hasSegment(segmentSeq: number): boolean

  /**
   * Takes a sealed segment over: writes its sidecar index, stages the manifest entry. When it resolves, reads of the
   * segment's offsets are the spans' and the store may forget `segment.index`. In order, one after the other.
   */
  adopt(segment: SealedSegment): Promise<void>
  /** Extents that hold records in [from, below), of adopted segments and spans, in order, until `bytesMax` is passed. */
  read(
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
    memory?: ReadMemory,
    until?: number,
  ): Promise<StoredExtent[]>
  /** Like `Store.pace`. */
  pace(reads: readonly { partition: number; from: number }[]): Pace[] | null
  extents(partition: number, from: number, below: number, limit: number): Promise<ExtentFacts[]>
  /**
   * The payloads of extents of a segment that is not adopted and no longer in the commit buffers; through the cache.
   * `found` is told of each until one cannot be read.
   */
  readOpen(
    segments: readonly OpenSegment[],
    extents: readonly LocatedExtent[],
    memory: ReadMemory | undefined,
    found: (extent: StoredExtent) => void,
  ): Promise<void>
  /** One after the last offset that the spans have of the partition; 0 when they have none. */
  nextOffset(partition: number): number
  /** Payload bytes of the partition in adopted segments and spans from offset `start` on; an estimate inside a span. */
  bytesFrom(partition: number, start: number): number
  dropped(partition: number): void

  /**
   * Before a slot is used again. Who reads a segment that is not adopted pins nothing, and may have opened its file when
   * the span had been forgotten: where that file goes, another one takes its name, and reads would still get the old one.
   */
  forgetSlot(slot: number): Promise<void>
  /** All spans as they are now: their files, and the slots of adopted segments, stay as they are until `release`. */
  hold(): SpanHold
  /** Like `Machine.checkpoint`. */
  checkpoint(round: number, full: boolean): CheckpointPart | null
  /** One look of the cleaner, at once and to its end: for tests, and when the disk is full. */
  clean(): Promise<void>
  metrics(): SpanMetrics
  /** No more cleaning; resolves when nothing of it runs and all files are closed. */
  close(): Promise<void>
}

export interface SpanHold {
  readonly infos: readonly SpanInfo[]
  /** Bytes of those that are not wanted any more, and only kept for this. */
  goneBytes(): number
  release(): void
}

export interface SpanMetrics {
  /** Bytes the cleaner has written since the start. */
  settledBytes: number
  /** Payload bytes still needed in adopted segments and spans, as last measured. */
  liveBytes: number
  /** Bytes of settled spans and of sidecars; slots are the journal's to count. */
  diskBytes: number
  cacheBytes: number
  cacheHits: number
  cacheMisses: number
  spans: number
}
