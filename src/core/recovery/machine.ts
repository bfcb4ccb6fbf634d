import type { CheckpointPart, ExtentFacts, Life, Machine } from '../../log/index.ts'
import type { Shard } from '../shard/shard.ts'
import { replayEntry, replayExtent } from './replay.ts'

/** What the store asks of the core, and gives it back at the next start. */
export class ShardMachine implements Machine {
  private readonly shard: Shard

  constructor(shard: Shard) {
    this.shard = shard
  }

  restore(_object: number, _part: number, _frame: number, _state: Buffer): void {}

  apply(kind: number, object: number, body: Buffer): void {
    replayEntry(this.shard, kind, object, body)
  }

  applyExtent(partition: number, extent: ExtentFacts, batch: Buffer): void {
    replayExtent(this.shard, partition, extent, batch)
  }

  recovered(): void {}

  checkpoint(): CheckpointPart | null {
    return null
  }

  needed(): boolean {
    return true
  }

  life(_partition: number): Life {
    return 'long'
  }
}
