import type { Clock, Disk, Timers } from '../world/index.ts'
import type { ExtentFacts, Machine, StoredExtent } from './store.ts'

/**
 * Where the two halves of the log meet. The *journal half* writes frames into slots and recycles them; the *span half*
 * finds, settles and frees what was written. The journal half calls `Spans`; the span half calls `SpansContext`.
 *
 *   slot:  free --(commits)--> active --(full: sealed)--> adopted by spans --(release)--> free
 *
 * A sealed segment's file stays where it is. Its number (`seq`) is never reused, its slot file is.
 */
export interface Segment {
  seq: number
  /** The slot's file, relative to the data folder. */
  path: string
  startLsn: number
  /** Of the segment's first frame. A commit that began in the segment before has a lower number than `firstCommit`. */
  firstFrame: number
  firstCommit: number
  segmentBytes: number
  frameBytesMax: number
  /** The journal's, 16 bytes. */
  journalId: Buffer
}

export interface SealedSegment extends Segment {
  /** Where its last frame ends, padding included. */
  endPosition: number
  lastFrame: number
  /** The last commit that has a frame here. */
  lastCommit: number
}

/** One extent of a segment: what an index keeps of it. */
export interface ExtentPlace extends ExtentFacts {
  partition: number
  commit: number
  /** Position in the slot of the first frame of the extent's commit, which is the frame that this segment holds. */
  framePosition: number
  /** Table and payload of all parts of that commit. */
  bodyBytes: number
  /** From the start of the body (`fragmentsOf` in frame/ turns it into pieces of the file). */
  bodyPos: number
  payloadBytes: number
}

/** What the span half may ask of the journal half. An extent belongs to the segment its commit *begins* in. */
export interface Segments {
  /** Sealed and not released, oldest first. */
  sealed(): readonly SealedSegment[]
  /** Any segment that is not recycled, the active one included. */
  segment(seq: number): Segment | null
  /** All extents of a sealed segment in journal order: from memory, or by a scan of the file. */
  extentsOf(seq: number): AsyncIterable<ExtentPlace> | Iterable<ExtentPlace>
  /** From now on `Spans` answers for the extents of this sealed segment, so the journal half may forget them. */
  indexed(seq: number): void
  /**
   * Nobody needs the segment's bytes any more, as an entry of commit `commit` says. Its slot is recycled when that is
   * durable and older than both checkpoints. A large commit's bytes may run on into the segments after: release
   * those only when it is dead too.
   */
  release(seq: number, commit: number): void
  /** While pinned (a reader, a backup) a released slot is not recycled. Balanced calls. */
  pin(seq: number): void
  unpin(seq: number): void
}

/** Somebody whose state lives in the journal and its checkpoints: the core's `Machine`, and the span half. */
export interface Participant {
  restore(object: number, part: number, frame: number, state: Buffer): void
  apply(kind: number, object: number, body: Buffer, frame: number, time: number): void
  checkpoint(round: number, full: boolean): { object: number; part: number; state: Uint8Array } | null
}

/** The span half, as the store uses it. `from`, `to`, `below` are offsets. */
export interface Spans extends Participant {
  /** After the last entry was replayed, before anything is staged: remove files not named, rebuild indexes. */
  recovered(): Promise<void>
  /** A segment was just sealed; nothing but this call says so. Called in order, also during `recovered` for the late ones. */
  adopt(segment: SealedSegment): void
  /** Extents that hold records in [from, below), from all segments that are `indexed` and all spans; in order. */
  extents(partition: number, from: number, below: number, limit: number): ExtentFacts[] | Promise<ExtentFacts[]>
  read(partition: number, from: number, below: number, bytesMax: number): StoredExtent[] | Promise<StoredExtent[]>
  /** The bytes of one extent of a segment that is not indexed yet and no longer in the tail; goes through the cache. */
  readPlace(seq: number, place: ExtentPlace): Buffer | Promise<Buffer>
  /** Payload bytes of extents in [from, below), perhaps estimated. Not asynchronous: for `Bounds.bytes`. */
  bytesBetween(partition: number, from: number, below: number): number
  dropped(partition: number): void
  metrics(): { settledBytes: number; liveBytes: number; diskBytes: number; cacheBytes: number }
  /** No more cleaning; resolves when nothing of it runs. */
  close(): Promise<void>
}

export interface SpansContext {
  disk: Disk
  clock: Clock
  timers: Timers
  machine: Machine
  segments: Segments
  /** The first offset that is kept; Infinity when the partition does not exist. */
  start(partition: number): number
  /** Stages an entry of kind `manifest` or above in the commit being filled; returns that commit's number. */
  stage(kind: number, object: number, body: Uint8Array): number
  /** Resolves when the commit is durable; never when the store has failed. */
  durable(commit: number): Promise<void>
  /** Milliseconds, recent 99th percentile of commits, for the cleaner's budget (C4). */
  commitMsP99(): number
  /** An I/O error outside the commit path. `full`: try again when there is space. */
  report(error: Error): void
  options: { cacheBytes: number; spanBytesMax: number }
}
