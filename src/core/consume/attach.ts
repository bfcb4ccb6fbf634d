import type { Outcome } from '../../base/index.ts'
import { grant } from '../delivery/consumers.ts'
import type { ActiveChange } from '../delivery/consumers.ts'
import type { AttachOptions, CreditGrant, Id } from '../facade/index.ts'
import type { Session } from '../session/session.ts'
import { fenced, notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { Attached } from './attached.ts'
import { holds, noteHeld } from './held.ts'
import { journalLeases } from './journal.ts'
import type { Leased } from './leased.ts'
import { grantToPool, moveToPool, poolOf, tidyPool } from './pools.ts'

export function attach(shard: Shard, options: AttachOptions): Outcome<{ consumer: Id; active: boolean }> {
  const session = shard.sessions.get(options.session)
  if (session === undefined || session.ended) return fenced
  const leased = shard.leased.get(options.subscription)
  if (leased === undefined) return notFound('subscription')
  if (leased.consumers.refuses(options.exclusive ?? false)) {
    return { error: 'inUse', detail: 'another consumer is there, and one of the two wants to be alone' }
  }
  const pool = options.pool === undefined ? null : poolOf(session, options.pool)
  const consumer = new Attached(shard.ids.take(), session, pool, options)
  shard.consumers.set(consumer.id, consumer)
  session.consumers.add(consumer.id)
  leased.hadConsumer = leased.log.hadConsumer = true
  leased.log.consumers++
  notifyActive(shard, leased.consumers.add(consumer), consumer)
  shard.wake(leased)
  return { ok: { consumer: consumer.id, active: leased.consumers.isActive(consumer) } }
}

/** `except`: it knows already. */
function notifyActive(shard: Shard, changes: readonly ActiveChange[], except: Attached | null): void {
  for (const { consumer, active } of changes) {
    if (consumer === except) continue
    const owner = shard.sessions.get(consumer.session)
    if (owner === undefined) continue
    owner.notices.push({ notice: 'active', consumer: consumer.id, active })
    shard.output(owner)
  }
}

export function credit(shard: Shard, grants: readonly CreditGrant[]): void {
  for (const one of grants) {
    if ('session' in one) {
      const session = shard.sessions.get(one.session)
      if (session === undefined) continue
      for (const consumer of grantToPool(session, one.pool, one.messages)) wakeFor(shard, consumer)
    } else {
      const consumer = shard.consumers.get(one.consumer)
      if (consumer === undefined) continue
      if (one.pool !== undefined && one.pool !== consumer.poolNumber) moveToPool(consumer, one.pool)
      // Until somebody limits bytes there is no limit; the first grant that does sets it.
      if (one.bytes !== undefined && consumer.bytes === Infinity && one.bytes !== Infinity) consumer.bytes = 0
      grant(consumer, one.messages, one.bytes ?? 0)
      wakeFor(shard, consumer)
    }
  }
}

/** A suspended session is left out of all deliveries; what it had credit for waits. */
export function flow(shard: Shard, id: Id, epoch: number, open: boolean): void {
  const session = shard.sessions.get(id)
  // Of a connection that was taken over the next one must not suffer.
  if (session?.epoch !== epoch || session.suspended === !open) return
  session.suspended = !open
  if (!open) return
  for (const one of session.consumers) {
    const consumer = shard.consumers.get(one)
    if (consumer === undefined) continue
    consumer.set?.wake(consumer)
    wakeFor(shard, consumer)
  }
}

function wakeFor(shard: Shard, consumer: Attached): void {
  const leased = shard.leased.get(consumer.subscription)
  if (leased !== undefined) shard.wake(leased)
}

export function detach(shard: Shard, id: Id, leases: 'keep' | 'release'): Outcome<object> {
  const consumer = shard.consumers.get(id)
  if (consumer === undefined) return notFound('consumer')
  const leased = shard.leased.get(consumer.subscription)
  shard.consumers.delete(id)
  consumer.owner.consumers.delete(id)
  if (leased === undefined) return { ok: {} }
  leased.log.consumers--
  leased.usedAt = leased.log.usedAt = shard.monotonic
  notifyActive(shard, leased.consumers.remove(consumer), null)
  if (consumer.poolNumber !== null) tidyPool(consumer.owner, consumer.poolNumber)
  if (leases === 'release') releaseLeases(shard, leased, id)
  else if (holds(shard, id, leased.id)) noteHeld(shard, consumer.owner, id, leased.id)
  if (leased.consumers.size === 0) shard.unused.add(leased.log.id).add(leased.id)
  shard.wake(leased)
  return { ok: {} }
}

function releaseLeases(shard: Shard, leased: Leased, consumer: Id): void {
  for (const lane of leased.lanes) lane?.queue.releaseConsumer(consumer, true, shard.monotonic)
  journalLeases(shard, leased)
  shard.wake(leased)
}

/** The end of an epoch: none of its consumers is left, and nothing stays leased to it. */
export function detachAll(shard: Shard, session: Session): void {
  for (const id of [...session.consumers]) detach(shard, id, 'release')
  for (const [consumer, subscription] of session.held) {
    const leased = shard.leased.get(subscription)
    if (leased !== undefined) releaseLeases(shard, leased, consumer)
  }
  session.held.clear()
  session.pools.clear()
}
