import type { Failure, Outcome } from '../../base/index.ts'
import type { ReadMemory } from '../../log/index.ts'
import type { ReadPart, ReadResult } from '../facade/index.ts'
import { StoredBatch } from '../shard/batches.ts'
import type { Partition } from '../shard/partition.ts'
import { notFound, unavailable } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { readOn } from './read-on.ts'

export type Part = Outcome<ReadResult>

export const bytesOf = (part: Part): number =>
  'error' in part ? 0 : part.ok.batches.reduce((sum, batch) => sum + batch.bytes.length, 0)

/** The offset where a part goes on behind what was found of it. */
export function nextOf({ offset }: ReadPart, { batches }: ReadResult): number {
  const last = batches.at(-1)
  return last === undefined ? offset : last.baseOffset + last.count
}

const unused = { start: 0, durableEnd: 0 }

/** Reads one partition; at once when the bytes are in memory. `any` false: nothing of it, only its bounds. */
export function readPart(
  shard: Shard,
  part: ReadPart,
  bytesMax: number,
  any: boolean,
  memory: ReadMemory | undefined,
  until?: number,
): Part | Promise<Part> {
  const log = shard.logs.get(part.log)
  const partition = log?.partition(part.partition)
  if (!partition && log?.isUnusedLane(part.partition) !== true) return notFound('partition')
  const { start, durableEnd } = partition ?? unused
  if (part.offset < start || part.offset > durableEnd) {
    return { error: 'outOfRange', detail: `offset ${part.offset} of a partition that has ${start} to ${durableEnd}` }
  }
  if (part.offset === durableEnd || !any || !partition) return { ok: { batches: [], start, end: durableEnd } }
  const extents = readOn(shard, partition, part.offset, durableEnd, bytesMax, memory, until)
  const result = (found: Awaited<typeof extents>): Part => {
    const batches = found.map((extent) => new StoredBatch(partition.index, extent))
    return { ok: { batches, start: partition.start, end: durableEnd } }
  }
  if (!(extents instanceof Promise)) return result(extents)
  return extents.then(result, (error: unknown) => failureOf(shard, partition, error))
}

/** What kept a partition from being read: it may be gone meanwhile. */
export function failureOf(shard: Shard, partition: Partition, error: unknown): Failure {
  if (shard.health.state === 'failed') return unavailable
  if (!shard.partitions.has(partition.id)) return notFound('partition')
  return { error: 'unavailable', detail: error instanceof Error ? error.message : 'the stored bytes cannot be read' }
}
