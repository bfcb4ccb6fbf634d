import type { StoredExtent } from '../../log/index.ts'
import { DiskError } from '../../world/index.ts'
import { endOfDamage, readAgainMs } from '../read/read-on.ts'
import { StoredBatch } from '../shard/batches.ts'
import type { Shard } from '../shard/shard.ts'
import type { Lane, Leased } from './leased.ts'
import { exhausted, moveOut } from './move.ts'
import { isReadable } from './readable.ts'
import { mustRest } from './rest.ts'
import { sizesOf } from './sizes.ts'

/**
 * The first record of a lane that may be delivered now; -1: there is none, or its bytes are on their way. Then
 * `lane.batch` holds it. What it meets before that is expired, withheld or exhausted as it should be. `forTimer`: nobody
 * wants it now, so its bytes may come later.
 */
export function head(shard: Shard, leased: Leased, lane: Lane, forTimer = false): number {
  const { queue } = lane
  for (;;) {
    if (lane.reading) return -1
    const offset = queue.next()
    if (offset < 0) {
      // An idle queue holds no bytes: there may be very many of them.
      shard.readAhead.drop(lane)
      return -1
    }
    const batch = batchAt(shard, leased, lane, offset, forTimer)
    if (batch === null) return -1
    const batchEnd = batch.baseOffset + batch.count
    if (batch.baseOffset > offset) {
      queue.discard(offset, Math.min(batch.baseOffset, queue.end) - 1)
      continue
    }
    if (!isReadable(batch)) {
      queue.park(offset, batchEnd - 1)
      continue
    }
    const run = (): number => queue.run(offset, Math.min(batchEnd - offset, shard.limits.movesPerTurn))
    if (leased.expires && offset < lane.fresh && expiryOf(leased, batch) <= shard.now) {
      if (mustRest(shard, leased)) return -1
      const way = { to: 'deadLetter', reason: 'expired' } as const
      const moved = moveOut(shard, leased, lane, offset, offset + run() - 1, way, sizesOf(lane, batch))
      if (moved !== null) shard.background(moved)
      continue
    }
    const { notBefore } = leased.log.delays ? batch.meta : nothing
    if (notBefore !== null && notBefore > shard.now && queue.attempt(offset) === 1) {
      queue.delay(offset, batchEnd - 1, shard.monotonic + notBefore - shard.now, sizesOf(lane, batch))
      continue
    }
    const { attemptsMax } = leased.policy
    if (attemptsMax !== undefined && queue.attempt(offset) > attemptsMax) {
      if (mustRest(shard, leased)) return -1
      const moved = exhausted(shard, leased, lane, offset, offset + run() - 1, sizesOf(lane, batch))
      if (moved !== null) shard.background(moved)
      continue
    }
    if (batch.table.count !== batch.count && skipHole(lane, batch, offset)) continue
    return offset
  }
}

const nothing = { notBefore: null }

/** Offsets that compaction left empty are settled. */
function skipHole(lane: Lane, batch: StoredBatch, offset: number): boolean {
  const index = batch.indexOf(offset)
  const found =
    index < batch.table.count ? batch.baseOffset + batch.table.offsetDelta(index) : batch.baseOffset + batch.count
  if (found === offset) return false
  lane.queue.discard(offset, found - 1)
  return true
}

/** ms since 1970; Infinity: never. */
export function expiryOf(leased: Leased, batch: StoredBatch): number {
  const { ttlMs } = leased.policy
  const own = batch.meta.expiresAt ?? Infinity
  return ttlMs === undefined ? own : Math.min(own, batch.appendTime + ttlMs)
}

/** The batch that holds `offset`, or the first one after it; null while it is being read. */
function batchAt(shard: Shard, leased: Leased, lane: Lane, offset: number, forTimer: boolean): StoredBatch | null {
  const { batch } = lane
  if (batch !== null && offset >= batch.baseOffset && offset < batch.baseOffset + batch.count) return batch
  const ahead = atOrAfter(lane.ahead, offset)
  if (ahead !== null && (ahead.baseOffset <= offset || offset >= lane.aheadFrom)) return (lane.batch = ahead)
  if (forTimer && shard.timerReads.full) {
    shard.timerReads.waiting.add(leased)
    return null
  }
  const { end } = lane.queue
  const bytesMax = shard.readAhead.share
  const read = shard.store.read(lane.partition.id, offset, end, bytesMax)
  if (!(read instanceof Promise)) return keep(shard, lane, read, offset, end)
  lane.reading = true
  if (forTimer) shard.timerReads.begin(lane)
  shard.readAhead.reads.begin(bytesMax)
  read.then(
    (extents) => {
      shard.readAhead.reads.end(bytesMax)
      leased.hasRead(lane)
      if (shard.leased.get(leased.id) === leased) keep(shard, lane, extents, offset, end)
      shard.wake(leased)
    },
    (error: unknown) => {
      shard.readAhead.reads.end(bytesMax)
      notRead(shard, leased, lane, offset, error)
    },
  )
  return null
}

/** What was read from `offset` on. Nothing at all: a repair has dropped the rest, which nobody can have. */
function keep(
  shard: Shard,
  lane: Lane,
  extents: readonly StoredExtent[],
  offset: number,
  end: number,
): StoredBatch | null {
  const batches = extents.map((extent) => new StoredBatch(lane.partition.index, extent))
  shard.readAhead.keep(lane, batches, offset)
  if (batches.length === 0) lane.queue.withhold(offset, end - 1)
  return batches[0] ?? null
}

/**
 * Damaged: nobody can have these records, and those behind them must not wait for ever. They are not settled: what the
 * next start reads better is delivered then. Any other error may pass.
 */
function notRead(shard: Shard, leased: Leased, lane: Lane, offset: number, error: unknown): void {
  const again = (): void => {
    leased.hasRead(lane)
    shard.wake(leased)
  }
  const { queue, partition } = lane
  try {
    const below = endOfDamage(shard, partition, error, queue.end)
    if (shard.leased.get(leased.id) === leased) queue.withhold(offset, Math.min(below, queue.end) - 1)
    again()
  } catch (failure) {
    if (!(failure instanceof DiskError)) throw failure
    shard.world.timers.after(readAgainMs, again)
  }
}

/** Of batches in rising order, the one that holds `offset`, or the first after it. */
function atOrAfter(batches: readonly StoredBatch[], offset: number): StoredBatch | null {
  let low = 0
  let high = batches.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (batches[middle]!.baseOffset + batches[middle]!.count > offset) high = middle
    else low = middle + 1
  }
  return batches[low] ?? null
}
