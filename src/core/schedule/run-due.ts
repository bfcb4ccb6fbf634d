import { publishNow } from '../commit/publish.ts'
import { head } from '../consume/head.ts'
import type { Leased } from '../consume/leased.ts'
import { storeRefuses } from '../publish/room.ts'
import { extentFlag, type StoredBatch } from '../shard/batches.ts'
import type { Shard } from '../shard/shard.ts'

/** How many are published before others get their turn. */
const publishesPerTurn = 1000

/** Publishes what is due: the copies and the end of the waiting are one commit. */
export function runDue(shard: Shard, schedule: Leased): void {
  const lane = schedule.lanes[0]!
  for (let n = 0; n < publishesPerTurn; n++) {
    const offset = head(shard, schedule, lane)
    if (offset < 0) return
    if (storeRefuses(shard) !== null) {
      shard.whenStoreTakes.push(() => shard.wake(schedule))
      return
    }
    const batch = lane.batch!
    publishStored(shard, batch)
    lane.queue.discard(offset, batch.baseOffset + batch.count - 1, batch.bytes.length)
    shard.consumed.add(schedule.log)
    shard.stage.hard()
  }
  shard.wake(schedule)
}

function publishStored(shard: Shard, { bytes, foreign, meta, flags }: StoredBatch): void {
  const { publisher, address, others, priority, expiresAt } = meta
  if (address === null || (expiresAt !== null && expiresAt <= shard.now)) return
  publishNow(shard, publisher, {
    op: 'publish',
    to: [address, ...others],
    batch: bytes,
    foreign,
    priority,
    ...(expiresAt !== null && { expiresAt }),
    retain: (flags & extentFlag.retain) !== 0,
    atMostOnce: (flags & extentFlag.atMostOnce) !== 0,
  })
}
