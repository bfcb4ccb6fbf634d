import { DiskError } from '../../world/index.ts'
import { readAgainMs, readOn } from '../read/read-on.ts'
import { StoredBatch } from '../shard/batches.ts'
import type { Shard } from '../shard/shard.ts'
import type { Lane, Leased } from './leased.ts'
import { isReadable } from './readable.ts'
import { valueBytesAt } from './sizes.ts'

const readBytesMax = 256 * 1024

/**
 * A limit in bytes is one of values, and how large those are that a restart finds is known to nobody: what is stored is
 * several times as much where each message was published alone. So they are read once, and until that is over nothing is
 * dropped for its size. A few queues at a time: after a start all of them want it.
 */
export function countValues(shard: Shard, leased: Leased): void {
  if (leased.policy.readyBytesMax === undefined) return
  for (const lane of leased.lanes) {
    if (lane === null || lane.counted) continue
    lane.counted = true
    lane.queue.recount()
    if (lane.counting || lane.queue.uncounted < 0) continue
    lane.counting = true
    inLine(shard, leased, lane)
  }
}

export const isCounting = (leased: Leased): boolean => leased.lanes.some((lane) => lane?.counting)

function inLine(shard: Shard, leased: Leased, lane: Lane): void {
  shard.background(shard.counts.run(() => countAll(shard, leased, lane)))
}

async function countAll(shard: Shard, leased: Leased, lane: Lane): Promise<void> {
  const { queue, partition } = lane
  for (let from = queue.uncounted; from >= 0 && isThere(shard, leased); from = queue.uncounted) {
    try {
      const extents = await readOn(shard, partition, from, queue.end, readBytesMax)
      if (!isThere(shard, leased)) return
      for (const extent of extents) countBatch(lane, new StoredBatch(partition.index, extent))
      if (extents.length === 0) queue.count(queue.end, () => 0)
    } catch (error) {
      if (!isThere(shard, leased)) return
      if (!(error instanceof DiskError)) throw error
      shard.world.timers.after(readAgainMs, () => inLine(shard, leased, lane))
      return
    }
  }
  lane.counting = false
  if (isThere(shard, leased)) shard.wake(leased)
}

function countBatch({ queue }: Lane, batch: StoredBatch): void {
  // What lies before it is in no batch.
  queue.count(batch.baseOffset, () => 0)
  const readable = isReadable(batch)
  queue.count(batch.baseOffset + batch.count, (offset) => (readable ? valueBytesAt(batch, offset) : 0))
}

function isThere(shard: Shard, leased: Leased): boolean {
  return shard.leased.get(leased.id) === leased && shard.health.state !== 'failed' && !shard.stage.closed
}
