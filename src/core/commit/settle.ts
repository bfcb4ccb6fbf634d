import { unreachable } from '../../base/index.ts'
import { journalLeases } from '../consume/journal.ts'
import type { Lane, Leased } from '../consume/leased.ts'
import { exhaust, moveOut } from '../consume/move.ts'
import type { OpResult, SettleOp, Verdict } from '../facade/index.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'

type Range = SettleOp['ranges'][number]

export function settle(shard: Shard, op: SettleOp): OpResult | Promise<OpResult> {
  const leased = shard.leased.get(op.subscription)
  if (leased === undefined) return notFound('subscription')
  let done = 0
  let stale = 0
  const moves: Promise<void>[] = []
  for (const range of op.ranges) {
    const lane = leased.lane(range.partition)
    const settled = lane === null ? 0 : settleRange(shard, leased, lane, range, op.as, moves)
    done += settled
    stale += range.last - range.first + 1 - settled
  }
  journalLeases(shard, leased)
  shard.settled(leased)
  const result: OpResult = { ok: { op: 'settle', done, stale } }
  return moves.length === 0 ? result : Promise.all(moves).then(() => result)
}

/** Returns how many offsets it met. */
function settleRange(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  range: Range,
  as: Verdict,
  moves: Promise<void>[],
): number {
  const { queue } = lane
  const { first, last, attempt } = range
  switch (as.do) {
    case 'done':
      return queue.done(first, last, attempt)
    case 'extend':
      return queue.extendLease(first, last, attempt, as.leaseMs, shard.monotonic)
    case 'release': {
      if (as.place === 'tail') return move(shard, leased, lane, range, { to: 'tail' }, moves)
      const spent = as.count === false ? 0 : exhaust(shard, leased, lane, range, moves)
      return spent + queue.release(first, last, attempt, as.count ?? true, shard.monotonic, as.delayMs)
    }
    case 'reject':
      return move(shard, leased, lane, range, { to: 'deadLetter', reason: as.reason }, moves)
    default:
      return unreachable(as)
  }
}

type Way = Parameters<typeof moveOut>[5]

function move(shard: Shard, leased: Leased, lane: Lane, range: Range, way: Way, moves: Promise<void>[]): number {
  const runs = lane.queue.leasedRuns(range.first, range.last, range.attempt)
  let records = 0
  for (let r = 0; r < runs.length; r += 2) {
    const moved = moveOut(shard, leased, lane, runs[r]!, runs[r + 1]!, way)
    if (moved !== null) moves.push(moved)
    records += runs[r + 1]! - runs[r]! + 1
  }
  return records
}
