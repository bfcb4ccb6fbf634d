import type { Clock, Disk, Timers } from '../../world/index.ts'
import type { Bounds, Machine } from '../store.ts'
import type { SegmentIndex } from './segment-index.ts'

/**
 * What `SpanSet` needs of the store that holds it. The journal's half writes frames and knows the partitions; this
 * half keeps what is older than the active segment: adopted segments and settled spans.
 */
export interface SpanHost {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly machine: Pick<Machine, 'needed' | 'life'>
  /** Random, of this journal: written into every file, so that another journal's cannot pass for ours. 16 bytes. */
  readonly journalId: Buffer
  readonly limits: SpanLimits
  /** Path of a slot's file, relative to the data folder. */
  slotPath(slot: number): string
  /** Null when the partition was dropped (ids are never reused). */
  bounds(partition: number): Pick<Bounds, 'start' | 'next'> | null
  /**
   * Stages a MANIFEST entry (must be understood) as a hard one and resolves, once it is durable, with the number of its
   * commit. Rejects when the store failed before.
   */
  stageManifest(edit: Buffer): Promise<number>
  /** Reads a sealed segment's frames again and indexes them: for a sidecar that is missing or damaged. */
  scanSegment(slot: number, segmentSeq: number): Promise<SegmentIndex>
  /** Facts for the cleaner's speed (C4). */
  load(): StoreLoad
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
  /** The cleaner's two clocks (C2). */
  mergeAfterMs: number
  settleAfterMs: number
  spanBytesMax: number
}

export const defaultSpanLimits: SpanLimits = {
  cacheBytesMax: 32 * 1024 * 1024,
  mergeAfterMs: 60_000,
  settleAfterMs: 3_600_000,
  spanBytesMax: 1024 * 1024 * 1024,
}

/** A segment that will not be written any more. */
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
