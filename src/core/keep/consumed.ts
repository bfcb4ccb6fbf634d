import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** Runs at the end of a turn: logs that keep until consumed let go of what every retaining subscription has settled. */
export function trimConsumed(shard: Shard): void {
  for (const log of shard.consumed) {
    if (!log.spec.keep?.consumed) continue
    for (const partition of log.partitions) if (partition !== null) trim(shard, log, partition)
  }
  shard.consumed.clear()
}

function trim(shard: Shard, log: LogState, partition: Partition): void {
  let floor = Infinity
  for (const id of log.leased) {
    const leased = shard.leased.get(id)
    if (leased === undefined || !leased.retaining) continue
    floor = Math.min(floor, leased.lane(partition.index)?.queue.floor ?? 0)
  }
  if (floor === Infinity || floor <= partition.start) return
  shard.stage.trim(partition, Math.min(floor, partition.next))
}
