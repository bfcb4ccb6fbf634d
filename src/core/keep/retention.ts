import type { Keep } from '../facade/index.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'
import { trimLog } from './trim.ts'

const extentsPerStep = 256

/** Lets go of what is too old or too much, in all logs; whole extents only, as the oldest record of one is not alone. */
export async function retainAll(shard: Shard): Promise<void> {
  for (const log of [...shard.logs.values()]) {
    const { keep } = log.spec
    if (keep === undefined || (keep.ageMs === undefined && keep.bytes === undefined && keep.records === undefined))
      continue
    for (const partition of log.partitions) {
      if (partition === null || partition.start >= partition.durableEnd) continue
      const start = await startOf(shard, keep, partition)
      if (shard.logs.get(log.id) !== log) break
      trimTo(shard, log, partition, start)
    }
  }
}

function trimTo(shard: Shard, log: LogState, partition: Partition, start: number): void {
  if (start <= partition.start) return
  trimLog(shard, log, partition, start)
  shard.watched(partition.id)
}

/** The first offset that has to stay. */
async function startOf(shard: Shard, keep: Keep, partition: Partition): Promise<number> {
  let start = partition.start
  if (keep.records !== undefined) start = Math.max(start, partition.durableEnd - keep.records)
  if (keep.bytes !== undefined && partition.bytes > keep.bytes) {
    start = Math.max(start, await withinBytes(shard, partition, partition.bytes - keep.bytes))
  }
  if (keep.ageMs !== undefined) start = Math.max(start, await youngerThan(shard, partition, shard.now - keep.ageMs))
  return Math.min(start, partition.durableEnd)
}

async function youngerThan(shard: Shard, partition: Partition, time: number): Promise<number> {
  let from = partition.start
  for (;;) {
    const extents = await shard.store.extents(partition.id, from, extentsPerStep)
    const young = extents.find((extent) => extent.appendTime > time)
    if (young !== undefined) return Math.max(from, young.baseOffset)
    const last = extents.at(-1)
    if (last === undefined) return from
    from = last.baseOffset + last.count
  }
}

/** The last batch boundary within `excess` bytes from the front; a log never loses its last batch for being large. */
async function withinBytes(shard: Shard, partition: Partition, excess: number): Promise<number> {
  const { store } = shard
  const { id, start, durableEnd } = partition
  let low = start
  let high = durableEnd
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2)
    if (store.bytesBetween(id, start, middle) <= excess) low = middle
    else high = middle - 1
  }
  if (low >= durableEnd) low = durableEnd - 1
  const [extent] = await store.extents(id, low, 1)
  return extent === undefined ? start : Math.max(start, extent.baseOffset)
}
