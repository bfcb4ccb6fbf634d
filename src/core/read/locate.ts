import type { Outcome } from '../../base/index.ts'
import type { ExtentFacts } from '../../log/index.ts'
import type { Id, Located } from '../facade/index.ts'
import { StoredBatch } from '../shard/batches.ts'
import type { Partition } from '../shard/partition.ts'
import { notFound, unavailable } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { endOfDamage, readOn } from './read-on.ts'
import { failureOf } from './read-part.ts'
import { isConnected } from './read.ts'

const none: Located = { offset: -1, timestamp: -1 }
const extentsPerStep = 1024

/** The first record whose producer time is at or after `time`, or the one with the highest time. */
export async function locate(
  shard: Shard,
  id: Id,
  index: number,
  time: number | 'max',
  session: Id,
): Promise<Outcome<Located>> {
  const log = shard.logs.get(id)
  const partition = log?.partition(index)
  if (!partition) return log?.isUnusedLane(index) === true ? { ok: none } : notFound('partition')
  try {
    const found = await locateIn(shard, partition, time, () => isConnected(shard, session))
    return found === null ? unavailable : { ok: found }
  } catch (error) {
    return failureOf(shard, partition, error)
  }
}

/** Goes through all extents, as long as it `mayGoOn`: then null. Rejects when the stored bytes cannot be read. */
export async function locateIn(
  shard: Shard,
  partition: Partition,
  time: number | 'max',
  mayGoOn: () => boolean,
): Promise<Located | null> {
  const end = partition.durableEnd
  let best = none
  for (let from = partition.start; from < end;) {
    if (!mayGoOn()) return null
    const extents = await extentsFrom(shard, partition, from)
    if (typeof extents === 'number') {
      from = extents
      continue
    }
    if (extents.length === 0) break
    for (const extent of extents) {
      if (extent.baseOffset >= end) return best
      if (time === 'max' && extent.maxTimestamp > best.timestamp) {
        best = { offset: extent.baseOffset, timestamp: extent.maxTimestamp }
      }
      if (time !== 'max' && extent.maxTimestamp >= time) {
        const found = await within(shard, partition, extent.baseOffset, time)
        if (found !== null) return found
      }
    }
    from = extents.at(-1)!.baseOffset + extents.at(-1)!.count
  }
  return time === 'max' && best !== none
    ? ((await within(shard, partition, best.offset, best.timestamp)) ?? best)
    : best
}

/** The extents from there on; or where to go on when their index is damaged. */
async function extentsFrom(shard: Shard, partition: Partition, from: number): Promise<ExtentFacts[] | number> {
  try {
    return await shard.store.extents(partition.id, from, extentsPerStep)
  } catch (error) {
    return endOfDamage(shard, partition, error, partition.durableEnd)
  }
}

async function within(shard: Shard, partition: Partition, offset: number, time: number): Promise<Located | null> {
  const [extent] = await readOn(shard, partition, offset, partition.durableEnd, 1)
  if (extent === undefined) return null
  const { table } = new StoredBatch(partition.index, extent)
  for (let i = 0; i < table.count; i++) {
    const found = extent.baseOffset + table.offsetDelta(i)
    if (found >= partition.start && table.timestamp(i) >= time) return { offset: found, timestamp: table.timestamp(i) }
  }
  return null
}
