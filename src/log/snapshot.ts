import type { Failure } from '../base/index.ts'
import type { Disk } from '../world/index.ts'
import type { Store } from './store.ts'

/** A store that a copy can be made of while it goes on. */
export interface DurableStore extends Store {
  /**
   * As of now, and at least everything that was acknowledged before. Rejects with `StoreRefused`: in memory, full,
   * failed, or closed.
   */
  snapshot(): Promise<Snapshot>
}

/** The first `bytes` of a file; what stands behind them is not part of the snapshot. */
export interface SnapshotFile {
  /** Relative to the data folder. */
  path: string
  bytes: number
}

/**
 * The store as it was right after a commit: the files that a start would need to come to exactly that state. They are
 * not copied: the store goes on, and keeps them as they are until `release`, or until it needs their space.
 */
export interface Snapshot {
  readonly disk: Pick<Disk, 'open'>
  readonly journalId: Buffer
  /** The last commit in it; later numbers without entries have no frame. */
  readonly commit: number
  /** Checkpoints, then spans, then segments in the order of their numbers. */
  readonly files: readonly SnapshotFile[]
  /** Not null: the files may change from now on, and what was read since is worth nothing. */
  readonly failure: Failure | null
  release(): void
}
