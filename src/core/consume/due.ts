import type { Shard } from '../shard/shard.ts'
import { expiryOf, head } from './head.ts'
import type { Lane, Leased } from './leased.ts'

/** The longest a timer runs before it is set again: timers of the world may have a limit. */
const timerMsMax = 3_600_000

/** Sets the subscription's one timer to whatever is due first: a lease, a delay, or the expiry of a head. */
export function arm(shard: Shard, leased: Leased): void {
  let due = Infinity
  for (const lane of leased.lanes) {
    if (lane === null) continue
    if (leased.expires) due = Math.min(due, shard.monotonic + expiryOfHead(shard, leased, lane) - shard.now)
    due = Math.min(due, lane.queue.nextDue())
  }
  if (due >= leased.timerAt && leased.timer !== null) return
  leased.timer?.cancel()
  leased.timer = null
  leased.timerAt = due
  if (due === Infinity) return
  const delay = Math.min(timerMsMax, Math.max(0, due - shard.monotonic))
  leased.timer = shard.world.timers.after(delay, () => {
    leased.timer = null
    leased.timerAt = Infinity
    shard.wake(leased)
  })
}

/** ms since 1970; Infinity: never, or nobody knows yet. */
function expiryOfHead(shard: Shard, leased: Leased, lane: Lane): number {
  const { queue } = lane
  const { attemptsMax = Infinity } = leased.policy
  const next = queue.next()
  // Its bytes may have had to make room for others: they are not read again for what is known.
  if (next >= 0 && next === lane.headAt && lane.headExpiry > shard.now && queue.attempt(next) <= attemptsMax)
    return lane.headExpiry
  const offset = head(shard, leased, lane, true)
  if (offset < 0) return Infinity
  lane.headAt = offset
  return (lane.headExpiry = expiryOf(leased, lane.batch!))
}

/** Those whose head had to wait for the reads of others. */
export function armWaiting(shard: Shard): void {
  const { timerReads } = shard
  for (const leased of timerReads.waiting) {
    if (timerReads.full) return
    timerReads.waiting.delete(leased)
    if (shard.leased.get(leased.id) === leased) arm(shard, leased)
  }
}
