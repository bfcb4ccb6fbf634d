import type { CheckpointPart, ExtentFacts, Life, Machine } from '../../log/index.ts'
import type { Shard } from '../shard/shard.ts'
import { Checkpointer } from './checkpoint.ts'
import { isNeeded, lifeOf } from './liveness.ts'
import type { Restored } from './parts.ts'
import { replayEntry, replayExtent } from './replay.ts'
import { restorePart } from './restore.ts'

/** What the store asks of the core, and gives it back at the next start. */
export class ShardMachine implements Machine {
  private readonly shard: Shard
  private readonly checkpointer: Checkpointer
  /** Parts come in any order, and one can only be put together when what it belongs to is there. */
  private restored: Restored[] = []

  constructor(shard: Shard) {
    this.shard = shard
    this.checkpointer = new Checkpointer(shard)
  }

  restore(object: number, part: number, _frame: number, state: Buffer): void {
    if (state.length === 0) return
    this.checkpointer.has(object, part)
    this.restored.push({ order: state[0]!, object, part, state: Buffer.from(state.subarray(1)) })
  }

  private assemble(): void {
    if (this.restored.length === 0) return
    const parts = this.restored.sort((a, b) => a.order - b.order)
    this.restored = []
    for (const one of parts) restorePart(this.shard, one)
  }

  apply(kind: number, object: number, body: Buffer): void {
    this.assemble()
    replayEntry(this.shard, kind, object, body)
    this.shard.recoveredObjects.add(object)
  }

  applyExtent(partition: number, extent: ExtentFacts, batch: Buffer): void {
    this.assemble()
    const object = replayExtent(this.shard, partition, extent, batch)
    if (object !== 0) this.shard.recoveredObjects.add(object)
  }

  recovered(): void {
    this.assemble()
  }

  checkpoint(round: number, full: boolean): CheckpointPart | null {
    return this.checkpointer.next(round, full)
  }

  needed(partition: number, first: number, last: number): boolean {
    return isNeeded(this.shard, partition, first, last)
  }

  life(partition: number): Life {
    return lifeOf(this.shard, partition)
  }
}
