import type { Id } from '../facade/index.ts'
import type { Session } from '../session/session.ts'
import type { Shard } from '../shard/shard.ts'

const entriesMin = 16

/** Leases of `consumer`, which does not stand in line, end with the session. */
export function noteHeld(shard: Shard, session: Session, consumer: Id, subscription: Id): void {
  const { held } = session
  held.set(consumer, subscription)
  // Most of what is kept is settled some time later; looked for whenever their number has doubled, it costs little.
  if (held.size < entriesMin || (held.size & (held.size - 1)) !== 0) return
  for (const [id, of] of held) if (id !== consumer && !holds(shard, id, of)) held.delete(id)
}

export function holds(shard: Shard, consumer: Id, subscription: Id): boolean {
  const lanes = shard.leased.get(subscription)?.lanes ?? []
  return lanes.some((lane) => lane !== null && lane.queue.leasedBy(consumer) > 0)
}
