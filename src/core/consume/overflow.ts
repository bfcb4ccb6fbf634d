import type { SizeOf } from '../queue/ready-bytes.ts'
import type { Shard } from '../shard/shard.ts'
import { isCounting } from './count-values.ts'
import { head } from './head.ts'
import type { Lane, Leased } from './leased.ts'
import { moveOut } from './move.ts'
import { mustRest } from './rest.ts'
import { sizesOf } from './sizes.ts'

/** Beyond its limit a subscription lets go of the oldest records, the lowest priority first. */
export function dropOverflow(shard: Shard, leased: Leased): void {
  const { readyMax = Infinity, readyBytesMax, overflow } = leased.policy
  if (readyMax === Infinity && readyBytesMax === undefined) return
  if (overflow !== undefined && overflow !== 'dropOldest') return
  const bytesMax = readyBytesMax === undefined || isCounting(leased) ? Infinity : readyBytesMax
  for (const lane of leased.lanes) {
    if (lane === null) continue
    while (leased.ready > readyMax || leased.readyBytes > bytesMax) {
      if (mustRest(shard, leased)) return
      const dropped =
        readyBytesMax === undefined ? dropMany(shard, leased, lane, readyMax) : dropHead(shard, leased, lane)
      if (dropped) continue
      // A higher priority does not go in its place.
      if (lane.reading) return
      break
    }
  }
}

function dropMany(shard: Shard, leased: Leased, lane: Lane, readyMax: number): boolean {
  const offset = lane.queue.next()
  if (offset < 0) return false
  const count = lane.queue.run(offset, Math.min(leased.ready - readyMax, shard.limits.movesPerTurn))
  drop(shard, leased, lane, offset, count)
  return true
}

/** How much goes with it is known only from its bytes: while they are read nothing is dropped. */
function dropHead(shard: Shard, leased: Leased, lane: Lane): boolean {
  const offset = head(shard, leased, lane)
  if (offset < 0) return false
  drop(shard, leased, lane, offset, 1, sizesOf(lane, lane.batch!))
  return true
}

function drop(shard: Shard, leased: Leased, lane: Lane, offset: number, count: number, sizes?: SizeOf): void {
  const way = { to: 'deadLetter', reason: 'limit' } as const
  const moved = moveOut(shard, leased, lane, offset, offset + count - 1, way, sizes)
  if (moved !== null) shard.background(moved)
}
