import type { Shard } from '../shard/shard.ts'
import type { Leased } from './leased.ts'

const restMs = 1

/**
 * A backlog that has expired, or is over its limit, is moved in steps: others get their turn, and what is staged stays
 * bounded. True: that was enough for now, and it goes on by itself.
 */
export function mustRest(shard: Shard, leased: Leased): boolean {
  const { movesPerTurn, stagedBytesMax } = shard.limits
  if (leased.moved < movesPerTurn && shard.stage.bytes <= stagedBytesMax) return false
  if (leased.resting) return true
  leased.resting = true
  shard.world.timers.after(restMs, () => {
    leased.resting = false
    shard.wake(leased)
  })
  return true
}
