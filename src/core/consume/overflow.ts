import type { Shard } from '../shard/shard.ts'
import type { Lane, Leased } from './leased.ts'
import { moveOut } from './move.ts'
import { mustRest } from './rest.ts'

/** Beyond its limit a subscription lets go of the oldest records, the lowest priority first. */
export function dropOverflow(shard: Shard, leased: Leased): void {
  const { readyMax, readyBytesMax, overflow } = leased.policy
  if (readyMax === undefined && readyBytesMax === undefined) return
  if (overflow !== undefined && overflow !== 'dropOldest') return
  for (const lane of leased.lanes) {
    if (lane === null) continue
    while (leased.ready > (readyMax ?? Infinity) || leased.readyBytes > (readyBytesMax ?? Infinity)) {
      if (mustRest(shard, leased)) return
      if (!dropOne(shard, leased, lane, readyMax ?? Infinity)) break
    }
  }
}

function dropOne(shard: Shard, leased: Leased, lane: Lane, readyMax: number): boolean {
  const offset = lane.queue.next()
  if (offset < 0) return false
  const most = readyMax === Infinity ? 1 : Math.max(1, leased.ready - readyMax)
  const count = lane.queue.run(offset, Math.min(most, shard.limits.movesPerTurn))
  const moved = moveOut(shard, leased, lane, offset, offset + count - 1, { to: 'deadLetter', reason: 'limit' })
  if (moved !== null) shard.background(moved)
  return true
}
