import type { Failure } from '../base/index.ts'

/**
 * The contract between the log and the core: one journal with group commit, and the bytes it keeps for each
 * partition. The core decides *results* and stages them here; the store makes them durable, finds them again,
 * replays them at the next start, and gives the space back. It knows offsets, never queues or topics.
 *
 * A *commit* gathers everything staged since the one before, by whomever, and becomes durable as a whole. Staged
 * state is visible to the core at once, and to nobody outside before its commit number is reached (see `Watermark`).
 */
export interface Store {
  /** Number of the commit being filled; the first is 1. */
  readonly staging: number
  /** The highest commit that has been written but perhaps not synced. */
  readonly written: number
  /** The highest commit that has been synced: a crash cannot take it back. */
  readonly durable: number
  /** Bytes staged and not written yet: above a few MiB, stop reading publishers (P6). */
  readonly stagedBytes: number
  readonly health: Health

  /** Partitions are made and dropped by entries of the commit being filled. Ids are the core's, never reused. */
  createPartition(partition: number): void
  dropPartition(partition: number): void
  bounds(partition: number): Bounds
  /** Bytes of the kept extents in [from, below), roughly; from the index, without reading them. */
  bytesBetween(partition: number, from: number, below: number): number

  /**
   * Puts `bytes` into the commit being filled, once; several extents of that commit may then share it. They must not
   * change any more: small ones are copied, large ones perhaps not.
   */
  stagePayload(bytes: Uint8Array): Payload
  /** Appends a batch to a partition: `baseOffset` must not be below the partition's `next`. */
  stageExtent(partition: number, extent: ExtentFacts, payload: Payload): void
  /** Everything below `start` is dead from now on; `start` never goes back. */
  stageTrim(partition: number, start: number): void
  /** A result about one state object of the core's, given back at the next start by `Machine.apply`. `kind` < 64. */
  stageEntry(kind: number, object: number, body: Uint8Array): void

  /**
   * Somebody waits for the commit being filled: `hard` starts it at the end of this turn (or when the one in flight is
   * done). Without a hard one, soft entries go at the latest after 50 ms or 64 KiB.
   */
  hard(): void

  /** Resolves when the commit is synced, also where commits are only written; rejects when that fails. */
  synced(commit: number): Promise<void>

  /** Called after `written` or `durable` moved, once per commit. */
  onProgress(listener: () => void): void
  /** Called when `health` changes. After `failed` nothing more is acknowledged: close, and open again. */
  onHealth(listener: (health: Health) => void): void

  /**
   * The extents that hold the records in [from, upTo), offsets, in order, until `bytesMax` is passed, or fewer: at least
   * one when there is one, and none that is needed is left out between them. Empty only when nothing is there any more;
   * what is no longer needed may be gone. The first may begin before `from`. Synchronous when the bytes are in memory,
   * which is the rule at the tail. What cannot be read ends what is returned, and rejects when nothing is before it: with
   * `Damaged`, whose `cost` says behind which records to go on, or with a `DiskError`, which may pass. What has to be read
   * from the disk stands in `memory`, or in memory of its own. `until`: see `pace`.
   */
  read(
    partition: number,
    from: number,
    upTo: number,
    bytesMax: number,
    memory?: ReadMemory,
    until?: number,
  ): StoredExtent[] | Promise<StoredExtent[]>
  /**
   * For one who reads several partitions together, again and again: how far each of these reads should go (`until` of
   * `read`), so that what lies side by side on the disk is read at the same time, and so once. The one that is furthest
   * behind is never `later`. Null: all as far as they like.
   */
  pace(reads: readonly { partition: number; from: number }[]): Pace[] | null
  /**
   * The facts of the extents from `from` on, without their bytes: for seeking by time and counting. At most `limit`, or
   * fewer; none is left out between them, and what cannot be read is as for `read`.
   */
  extents(partition: number, from: number, limit: number): ExtentFacts[] | Promise<ExtentFacts[]>

  /** Waits until everything staged is durable, then stops. */
  close(): Promise<void>
  metrics(): StoreMetrics
}

/** A place in the journal, bytes; `later`: others are to come nearer first; null: as far as it likes. */
export type Pace = number | 'later' | null

/** Where a reader wants to have what is read for it, so that it can be used again; it may be written to until then. */
export interface ReadMemory {
  take(bytes: number): Buffer
  /** Nothing that was taken is needed. */
  clear(): void
}

export interface Bounds {
  /** The first offset that is kept, and the one the next record gets. */
  start: number
  next: number
  /** Bytes of the kept extents, shared payloads counted in full. */
  bytes: number
}

/** A payload of the commit being filled. Opaque; worthless after the commit was sealed. */
export interface Payload {
  readonly bytes: number
}

export interface ExtentFacts {
  baseOffset: number
  /** Offsets that the batch covers: its records, or more after compaction. */
  count: number
  /** Producer's time, ms since 1970. */
  maxTimestamp: number
  /** When the broker took it: the commit's time, ms since 1970, never going back. 0 while staging: the store sets it. */
  appendTime: number
  /** Bit 0: foreign (see `BatchBuilder`). The others are the core's. */
  flags: number
  /** The core's facts about this copy: opaque here, kept as long as the extent. */
  meta: Buffer
}

export interface StoredExtent extends ExtentFacts {
  /** The batch as the producer sent it; its own base offset and epoch are not to be trusted. Do not write to it. */
  batch: Buffer
}

export type Health =
  | { state: 'ok' }
  /** No space: nothing that grows may be staged, but entries and trims still work, so that space can be freed. */
  | { state: 'full'; failure: Failure }
  /** An I/O error: what was not durable is undecided until the journal is read again. */
  | { state: 'failed'; failure: Failure }

/** What the core gives the store: how to rebuild its state, and what of it is still needed. */
export interface Machine {
  /** Checkpointed state of one object part, called before any `apply`. `frame`: the last commit it contains. */
  restore(object: number, part: number, frame: number, state: Buffer): void
  /** An entry of a commit that was not in the checkpoint, or perhaps was: apply it only where state is older. */
  apply(kind: number, object: number, body: Buffer, frame: number, time: number): void
  /** The same for an extent (its partition's bounds are already moved). `batch` is the stored payload. */
  applyExtent(partition: number, extent: ExtentFacts, batch: Buffer, frame: number): void
  /** Called once after the last entry, before anything is staged. */
  recovered(): void

  /**
   * Checkpoint: the parts of objects that changed since the last round, or all when `full`; an empty state means the
   * part is gone. Called again and again, a few per turn; null ends the round. A part's state is as of the call.
   */
  checkpoint(round: number, full: boolean): CheckpointPart | null
  /** Is any record in [first, last] of the partition still needed? May say yes when unsure. */
  needed(partition: number, first: number, last: number): boolean
  /** For settling by expected life (C1). */
  life(partition: number): Life
}

export interface CheckpointPart {
  object: number
  part: number
  state: Uint8Array
}

export type Life = 'consumed' | 'hours' | 'days' | 'long' | 'compacted'

export interface StoreMetrics {
  commits: number
  /** Histogram of the time from sealing a commit to its durability, upper bounds in ms, and the counts below each. */
  commitMs: { bounds: readonly number[]; counts: readonly number[]; sum: number }
  journalBytes: number
  settledBytes: number
  liveBytes: number
  diskBytes: number
  cacheBytes: number
  /** Snapshots that are read, and the bytes on disk that only they keep from being given back. */
  snapshots: number
  snapshotBytes: number
}
