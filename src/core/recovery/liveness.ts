import type { Life } from '../../log/index.ts'
import type { Shard } from '../shard/shard.ts'

const hourMs = 3_600_000

/** Is any record in [first, last] of the partition still needed? Derived, never counted (storage F7). */
export function isNeeded(shard: Shard, id: number, first: number, last: number): boolean {
  const values = shard.lastValuePartitions.get(id)
  if (values !== undefined) return values.values.needed(id, first, last)
  const partition = shard.partitions.get(id)
  if (partition === undefined || last < partition.start) return false
  const log = shard.logs.get(partition.log)
  if (log === undefined || !log.spec.keep?.consumed) return true
  let retaining = false
  for (const subscription of log.leased) {
    const leased = shard.leased.get(subscription)
    if (leased === undefined || !leased.retaining) continue
    retaining = true
    if (leased.lane(partition.index)?.queue.needed(first, last) !== false) return true
  }
  return !retaining
}

export function lifeOf(shard: Shard, id: number): Life {
  if (shard.lastValuePartitions.has(id)) return 'compacted'
  const keep = shard.logs.get(shard.partitions.get(id)?.log ?? 0)?.spec.keep
  if (keep?.perKey) return 'compacted'
  if (keep?.consumed) return 'consumed'
  if (keep?.ageMs === undefined) return 'long'
  return keep.ageMs <= 6 * hourMs ? 'hours' : keep.ageMs <= 72 * hourMs ? 'days' : 'long'
}
