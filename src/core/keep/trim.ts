import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** Everything below `offset` goes; subscriptions that had not settled it have lost it. */
export function trimLog(shard: Shard, log: LogState, partition: Partition, offset: number): void {
  if (offset <= partition.start) return
  shard.stage.trim(partition, offset)
  for (const id of log.leased) {
    const leased = shard.leased.get(id)
    const lane = leased?.lane(partition.index)
    if (leased === undefined || !lane) continue
    leased.lost += lane.queue.trim(offset)
    shard.readAhead.drop(lane)
  }
}
