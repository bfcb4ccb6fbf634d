import type { Shard } from './shard.ts'

/**
 * Where commits only have to be written, some logs may still ask for more, and answers that follow theirs wait with them:
 * then what they wait for is synced, one sync for all that has been written by then.
 */
export class Syncing {
  private readonly shard: Shard
  private busy = false

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** To be called when the store has made progress. */
  look(): void {
    const { store, stage, releases, limits } = this.shard
    if (limits.durability === 'fsync' || this.busy) return
    // The oldest counts: under load the newest is never written yet.
    if (!stage.waitsForSync && releases.firstSynced > store.written) return
    this.busy = true
    store.synced(store.written).then(
      () => {
        this.busy = false
        this.look()
      },
      // The store says by its health what that means.
      () => void (this.busy = false),
    )
  }
}
