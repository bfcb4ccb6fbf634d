import type { Attached } from './attached.ts'
import { rivalsQuantum } from './quantum.ts'
import { room, spend } from '../delivery/consumers.ts'
import type { Session } from '../session/session.ts'
import type { StoredBatch } from '../shard/batches.ts'
import type { Shard } from '../shard/shard.ts'
import { countValues } from './count-values.ts'
import { arm } from './due.ts'
import { head } from './head.ts'
import { journalLeases } from './journal.ts'
import type { Lane, Leased } from './leased.ts'
import { dropOverflow } from './overflow.ts'
import { sizeOf, sizesOf } from './sizes.ts'
import { runDue } from '../schedule/run-due.ts'

/** Each subscription gets so many records of a turn, however many others are ready. */
const fairRecords = 256

/** What is left of a turn: a turn that went on for all that is ready would keep everybody else waiting. */
interface Budget {
  records: number
  bytes: number
}

/**
 * Runs at the end of a turn: what is ready goes to who has credit, in parts that are fair. Between two turns what was
 * handed out goes to the sockets, and who does not take it is left out until it does.
 */
export function pumpAll(shard: Shard): void {
  const due = [...shard.ready]
  shard.ready.clear()
  const { deliveriesPerTurn, deliveredBytesPerTurn } = shard.limits
  const budget: Budget = { records: deliveriesPerTurn, bytes: deliveredBytesPerTurn }
  const each = Math.max(fairRecords, Math.floor(deliveriesPerTurn / due.length))
  let next = 0
  while (next < due.length && budget.records > 0 && budget.bytes > 0) {
    const leased = due[next++]!
    if (shard.leased.get(leased.id) === leased) pump(shard, leased, budget, each)
  }
  if (next === due.length) return
  // Those that had no turn come before those that have had one.
  const again = [...shard.ready]
  shard.ready.clear()
  for (let i = next; i < due.length; i++) shard.ready.add(due[i]!)
  for (const leased of again) shard.ready.add(leased)
  shard.turn.ask()
}

function pump(shard: Shard, leased: Leased, budget: Budget, recordsMax: number): void {
  leased.moved = 0
  grow(leased)
  countValues(shard, leased)
  for (const lane of leased.lanes)
    if (lane !== null && lane.queue.nextDue() <= shard.monotonic) lane.queue.wake(shard.monotonic)
  if (leased.scheduled) runDue(shard, leased)
  let left = Math.min(recordsMax, budget.records)
  budget.records -= left
  while (left > 0 && budget.bytes > 0 && leased.consumers.rivals() > 0) {
    const lane = deliverable(shard, leased)
    if (lane === null) break
    const consumer = leased.consumers.next() as Attached | null
    if (consumer === null) break
    left -= Math.max(1, deliver(shard, leased, lane, consumer, left, budget))
  }
  budget.records += left
  if (left <= 0 || budget.bytes <= 0) {
    shard.wake(leased)
  } else {
    for (const lane of leased.lanes) if (lane?.reading === false) lane.fresh = Infinity
    // What is over the limit is what nobody takes, not what a consumer is about to get.
    if (!leased.reading || leased.consumers.rivals() === 0) dropOverflow(shard, leased)
  }
  journalLeases(shard, leased)
  arm(shard, leased)
}

/** Tells the queues of what has become durable. */
export function grow(leased: Leased): void {
  for (const lane of leased.lanes) {
    if (lane === null || lane.partition.durableEnd <= lane.queue.end) continue
    // They waited for the disk, not for a consumer: a time to live shorter than a sync would never be long enough.
    lane.fresh = Math.min(lane.fresh, lane.queue.end)
    // Not what is staged: those records are not in the queue yet, and each that is would count for more than it has.
    lane.queue.extend(lane.partition.durableEnd, Math.max(0, lane.partition.durableAppended - lane.seen))
    lane.seen = Math.max(lane.seen, lane.partition.durableAppended)
  }
}

/** A lane whose head may be delivered: the highest priority first, also while it is being read, else in turns. */
export function deliverable(shard: Shard, leased: Leased): Lane | null {
  const { lanes } = leased
  if (lanes.length === 1) return head(shard, leased, lanes[0]!) < 0 ? null : lanes[0]!
  const byPriority = leased.log.spec.lanes !== undefined
  for (let i = 0; i < lanes.length; i++) {
    const index = byPriority ? lanes.length - 1 - i : (leased.turn + i) % lanes.length
    const lane = lanes[index]
    if (!lane) continue
    if (head(shard, leased, lane) < 0) {
      if (byPriority && lane.reading) return null
      continue
    }
    leased.turn = index + 1
    return lane
  }
  return null
}

/** Gives the consumer a run from the head of the lane; how many records. */
function deliver(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  consumer: Attached,
  recordsMax: number,
  budget: Budget,
): number {
  const most = Math.min(room(consumer), rivalsQuantum(leased), recordsMax)
  const bytesMax = Math.min(consumer.bytes, budget.bytes)
  const { owner, leaseMs, settle, id } = consumer
  const taken = takeRun(shard, leased, lane, { messages: most, bytes: bytesMax, consumer: id, leaseMs, settle })
  if (taken === null) return 0
  spend(consumer, taken.count, taken.bytes)
  budget.bytes -= taken.bytes
  push(shard, owner, leased, consumer.id, taken)
  return taken.count
}

export interface Taken {
  batch: StoredBatch
  first: number
  count: number
  attempt: number
  bytes: number
}

export interface TakeTerms {
  messages: number
  bytes: number
  consumer: number
  leaseMs: number
  settle: 'byConsumer' | 'onDelivery'
}

/** Leases a run from the head that `head` has found; null: its key is in flight elsewhere. */
export function takeRun(shard: Shard, leased: Leased, lane: Lane, terms: TakeTerms): Taken | null {
  const { queue } = lane
  const batch = lane.batch!
  const offset = queue.next()
  const first = batch.indexOf(offset)
  const whole = batch.table.count === batch.count
  const keyed = leased.policy.order === 'key'
  const most = whole && !keyed ? Math.min(terms.messages, batch.baseOffset + batch.count - offset) : 1
  const attempt = queue.attempt(offset)
  const { count, bytes } = sized(batch, first, queue.run(offset, most), terms.bytes)
  if (keyed && terms.settle === 'byConsumer') {
    const key = batch.table.key(first)
    if (key !== null) {
      const mine = queue.leaseKeyed(
        offset,
        key.toString('latin1'),
        terms.consumer,
        terms.leaseMs,
        shard.monotonic,
        sizeOf(lane, batch, 1, bytes),
      )
      return mine ? { batch, first, count, attempt, bytes } : null
    }
  }
  if (terms.settle === 'onDelivery') {
    queue.discard(offset, offset + count - 1, sizeOf(lane, batch, count, bytes), sizesOf(lane, batch))
    if (leased.log.spec.keep?.consumed) shard.consumed.add(leased.log)
  } else {
    const { consumer, leaseMs } = terms
    const size = sizeOf(lane, batch, count, bytes)
    queue.lease(offset, count, consumer, leaseMs, shard.monotonic, size, sizesOf(lane, batch))
  }
  return { batch, first, count, attempt, bytes }
}

/** As many of `most` records as `bytesMax` holds, at least one. */
function sized(batch: StoredBatch, first: number, most: number, bytesMax: number): { count: number; bytes: number } {
  const { table } = batch
  let bytes = table.valueBytes(first)
  let count = 1
  while (count < most) {
    const more = table.valueBytes(first + count)
    if (bytes + more > bytesMax) break
    bytes += more
    count++
  }
  return { count, bytes }
}

export function push(shard: Shard, session: Session, leased: Leased, consumer: number, taken: Taken): void {
  const { batch, first, count, attempt } = taken
  shard.counters.recordsOut += count
  const last = session.deliveries.at(-1)
  if (
    last?.consumer === consumer &&
    last.batch === batch &&
    last.attempt === attempt &&
    last.first + last.count === first
  ) {
    last.count += count
    return
  }
  session.deliveries.push({
    consumer,
    subscription: leased.id,
    batch,
    first,
    count,
    attempt,
    routes: batch.meta.routes,
  })
  shard.output(session)
}
