import type { Shard } from '../shard/shard.ts'
import { expiryOf, head } from './head.ts'
import type { Leased } from './leased.ts'

/** The longest a timer runs before it is set again: timers of the world may have a limit. */
const timerMsMax = 3_600_000

/** Sets the subscription's one timer to whatever is due first: a lease, a delay, or the expiry of a head. */
export function arm(shard: Shard, leased: Leased): void {
  let due = Infinity
  for (const lane of leased.lanes) {
    if (lane === null) continue
    if (leased.expires && head(shard, leased, lane) >= 0)
      due = Math.min(due, shard.monotonic + expiryOf(leased, lane.batch!) - shard.now)
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
