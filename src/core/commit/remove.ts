import { journalLeases } from '../consume/journal.ts'
import type { Leased } from '../consume/leased.ts'
import type { OpResult, RemoveOp } from '../facade/index.ts'
import { trimLog } from '../keep/trim.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'

export function remove(shard: Shard, { what }: RemoveOp): OpResult {
  if ('subscription' in what) {
    const leased = shard.leased.get(what.subscription)
    return leased === undefined ? notFound('subscription') : { ok: { op: 'remove', records: purge(shard, leased) } }
  }
  const log = shard.logs.get(what.log)
  if (log === undefined) return notFound('log')
  let records = 0
  for (const { partition: index, offset } of what.before) {
    const partition = log.partition(index)
    if (partition === null) return notFound('partition')
    if (offset > partition.next) return { error: 'outOfRange', detail: `the partition ends at ${partition.next}` }
  }
  for (const { partition: index, offset } of what.before) {
    const partition = log.partition(index)!
    records += Math.max(0, offset - partition.start)
    trimLog(shard, log, partition, offset)
  }
  return { ok: { op: 'remove', records } }
}

/** Also what is staged: whoever published it before the purge means that too. */
function purge(shard: Shard, leased: Leased): number {
  let records = 0
  for (const lane of leased.lanes) {
    if (lane === null) continue
    if (lane.partition.next > lane.queue.end) lane.queue.extend(lane.partition.next, 0)
    lane.seen = lane.partition.appended
    records += lane.queue.purge()
  }
  journalLeases(shard, leased)
  shard.settled(leased)
  return records
}
