import { publishNow } from '../commit/publish.ts'
import { head } from '../consume/head.ts'
import type { Leased } from '../consume/leased.ts'
import { mustRest } from '../consume/rest.ts'
import { storeRefuses } from '../publish/room.ts'
import { extentFlag, type StoredBatch } from '../shard/batches.ts'
import type { Shard } from '../shard/shard.ts'

/** Publishes what is due: the copies and the end of the waiting are one commit. In steps, as everything that moves. */
export function runDue(shard: Shard, schedule: Leased): void {
  const lane = schedule.lanes[0]!
  for (;;) {
    const offset = head(shard, schedule, lane)
    if (offset < 0 || mustRest(shard, schedule)) return
    if (storeRefuses(shard) !== null) {
      shard.whenStoreTakes.push(() => shard.wake(schedule))
      return
    }
    const batch = lane.batch!
    publishStored(shard, batch)
    lane.queue.discard(offset, batch.baseOffset + batch.count - 1, batch.bytes.length)
    schedule.moved += batch.count
    shard.consumed.add(schedule.log)
    shard.stage.hard()
  }
}

function publishStored(shard: Shard, { bytes, foreign, meta, flags }: StoredBatch): void {
  const { publisher, address, others, priority, expiresAt, notBefore } = meta
  // It lives from now on, however late this is.
  const lifeMs = expiresAt === null ? Infinity : expiresAt - notBefore!
  if (address === null || lifeMs < 0) return
  publishNow(shard, publisher, {
    op: 'publish',
    to: [address, ...others],
    batch: bytes,
    foreign,
    priority,
    ...(lifeMs < Infinity && { expiresAt: shard.now + lifeMs }),
    retain: (flags & extentFlag.retain) !== 0,
    atMostOnce: (flags & extentFlag.atMostOnce) !== 0,
  })
}
