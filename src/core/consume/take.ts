import type { Outcome } from '../../base/index.ts'
import type { Delivery, Id, TakeOptions } from '../facade/index.ts'
import type { Session } from '../session/session.ts'
import { readOn } from '../read/read-on.ts'
import { StoredBatch } from '../shard/batches.ts'
import { fenced, notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { noteHeld } from './held.ts'
import { journalLeases } from './journal.ts'
import type { Leased } from './leased.ts'
import { arm } from './due.ts'
import { deliverable, grow, takeRun } from './pump.ts'

/** Leases what is ready now. Where something is staged, it waits until that is durable, so a publish is seen. */
export async function take(shard: Shard, options: TakeOptions): Promise<Outcome<Delivery[]>> {
  const leased = shard.leased.get(options.subscription)
  if (leased === undefined) return notFound('subscription')
  const session = shard.sessions.get(options.session)
  if (session === undefined || session.ended) return fenced
  leased.usedAt = leased.log.usedAt = shard.monotonic
  let found = takeReady(shard, leased, session, options)
  for (let tries = 0; found.length === 0 && mayGetMore(leased, tries); tries++) {
    await shard.nextChance(leased)
    if (shard.sessions.get(session.id) !== session) return fenced
    if (shard.leased.get(leased.id) !== leased) return notFound('subscription')
    found = takeReady(shard, leased, session, options)
  }
  return { ok: found }
}

/** Waits for what is staged, but not for ever where others take all of it; and for the disk, for that is not empty. */
const stagedTriesMax = 3
const readTriesMax = 20

const mayGetMore = (leased: Leased, tries: number): boolean =>
  leased.reading
    ? tries < readTriesMax
    : tries < stagedTriesMax && leased.lanes.some((lane) => lane !== null && lane.partition.next > lane.queue.end)

function takeReady(shard: Shard, leased: Leased, session: Session, options: TakeOptions): Delivery[] {
  grow(leased)
  const consumer = takerOf(shard, session, leased)
  const { leaseMs, settle } = options
  const deliveries: Delivery[] = []
  let { messages, bytes = Infinity } = options
  while (messages > 0 && bytes > 0) {
    const lane = deliverable(shard, leased)
    if (lane === null) break
    const taken = takeRun(shard, leased, lane, { messages, bytes, consumer, leaseMs, settle })
    if (taken === null) continue
    messages -= taken.count
    bytes -= taken.bytes
    const { batch, first, count, attempt } = taken
    deliveries.push({ consumer, subscription: leased.id, batch, first, count, attempt, routes: batch.meta.routes })
    shard.counters.recordsOut += count
  }
  journalLeases(shard, leased)
  arm(shard, leased)
  return deliveries
}

/** Whom the leases of a session's `take` belong to. */
function takerOf(shard: Shard, session: Session, leased: Leased): Id {
  for (const [id, subscription] of session.held) if (subscription === leased.id) return id
  const id = shard.ids.take()
  noteHeld(shard, session, id, leased.id)
  return id
}

/** The first records that are ready, without leasing them. */
export async function peek(shard: Shard, leased: Leased, limit: number): Promise<Delivery[]> {
  grow(leased)
  const found: Delivery[] = []
  let count = 0
  for (const lane of [...leased.lanes].reverse()) {
    if (lane === null) continue
    let offset = lane.queue.next()
    while (offset >= 0 && count < limit) {
      const extents = await readOn(shard, lane.partition, offset, lane.queue.end, 1024 * 1024)
      if (extents.length === 0) break
      for (const extent of extents) {
        const batch = new StoredBatch(lane.partition.index, extent)
        const end = batch.baseOffset + batch.count
        offset = lane.queue.next(Math.max(offset, batch.baseOffset))
        while (offset >= 0 && offset < end && count < limit) {
          const run = lane.queue.run(offset, Math.min(limit - count, end - offset))
          const first = batch.indexOf(offset)
          const attempt = lane.queue.attempt(offset)
          found.push({
            consumer: 0,
            subscription: leased.id,
            batch,
            first,
            count: run,
            attempt,
            routes: batch.meta.routes,
          })
          count += run
          offset = lane.queue.next(offset + run)
        }
        if (offset < 0 || count >= limit) break
      }
    }
  }
  return found
}
