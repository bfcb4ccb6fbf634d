import type { ExtentFacts } from '../../log/index.ts'
import { DiskError } from '../../world/index.ts'
import type { Keep } from '../facade/index.ts'
import { endOfDamage } from '../read/read-on.ts'
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
      const start = await startOf(shard, keep, partition).catch(unlessDisk(shard))
      if (shard.logs.get(log.id) !== log) break
      if (start !== null) trimTo(shard, log, partition, start)
    }
  }
}

/** One log that the disk does not give must not keep the others from being looked at. */
const unlessDisk =
  (shard: Shard) =>
  (error: unknown): null => {
    if (!(error instanceof DiskError)) throw error
    shard.unreadable.failed(error)
    return null
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
  // The age of what cannot be found is known by what follows it: it goes with the next old record behind it.
  let oldBelow = from
  for (;;) {
    const { extents, below } = await extentsFrom(shard, partition, from)
    const young = extents.find((extent) => extent.appendTime > time)
    if (young !== undefined)
      return from > oldBelow && young === extents[0] ? oldBelow : Math.max(from, young.baseOffset)
    const last = extents.at(-1)
    if (last !== undefined) oldBelow = from = last.baseOffset + last.count
    else if (below > from) from = below
    else return oldBelow
  }
}

/** `below`: behind what is damaged, when nothing was found before it. */
async function extentsFrom(
  shard: Shard,
  partition: Partition,
  from: number,
): Promise<{ extents: ExtentFacts[]; below: number }> {
  try {
    return { extents: await shard.store.extents(partition.id, from, extentsPerStep), below: from }
  } catch (error) {
    return { extents: [], below: endOfDamage(shard, partition, error, partition.durableEnd) }
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
  const [extent] = (await extentsFrom(shard, partition, low)).extents
  return extent === undefined ? start : Math.max(start, extent.baseOffset)
}
