import type { Failure, Outcome } from '../../base/index.ts'
import type { Timer } from '../../world/index.ts'
import type { ReadMemory } from '../../log/index.ts'
import type { ReadOptions, ReadPart, ReadResult } from '../facade/index.ts'
import { StoredBatch } from '../shard/batches.ts'
import { readOn } from './read-on.ts'
import type { Partition } from '../shard/partition.ts'
import { notFound, unavailable } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'

type Part = Outcome<ReadResult>

/** Reads now; if that is less than asked for, waits for more, or for the time to run out, and reads again. */
export async function read(shard: Shard, parts: readonly ReadPart[], options: ReadOptions): Promise<Part[]> {
  const deadline = shard.monotonic + options.waitMs
  for (;;) {
    const found = readNow(shard, parts, options)
    const results = found instanceof Promise ? await found : found
    if (enough(results, options.bytesMin)) return results
    const left = deadline - shard.monotonic
    if (left <= 0 || shard.health.state === 'failed') return results
    options.memory?.clear()
    await growth(shard, parts, left)
  }
}

function enough(results: readonly Part[], bytesMin: number): boolean {
  if (bytesMin <= 0) return true
  let bytes = 0
  for (const result of results) {
    // A failure is news: who asked for this part has to do something about it.
    if ('error' in result) return true
    for (const batch of result.ok.batches) bytes += batch.bytes.length
  }
  return bytes >= bytesMin
}

/** Resolves when one of the partitions has grown or gone, or after `waitMs`. */
function growth(shard: Shard, parts: readonly ReadPart[], waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const watched: number[] = []
    let timer: Timer | null = null
    let asked = false
    const stop = (): void => {
      timer?.cancel()
      for (const id of watched) shard.unwatch(id, wake)
      resolve()
    }
    const wake = (): void => {
      if (asked) return
      asked = true
      shard.world.timers.endOfTurn(stop)
    }
    for (const part of parts) {
      const partition = shard.logs.get(part.log)?.partition(part.partition)
      if (!partition) continue
      shard.watch(partition.id, wake)
      watched.push(partition.id)
    }
    timer = shard.world.timers.after(waitMs, stop)
  })
}

function readNow(
  shard: Shard,
  parts: readonly ReadPart[],
  { bytesMax, memory }: ReadOptions,
): Part[] | Promise<Part[]> {
  const results: Part[] = []
  let left = Math.min(bytesMax, shard.reads.share())
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    const one = readPart(shard, part, Math.min(part.bytesMax, left), left > 0, memory)
    if (one instanceof Promise) return readLate(shard, parts, i, left, memory, results, one)
    results.push(one)
    left -= bytesOf(one)
  }
  return results
}

/** From the first part on whose bytes are not in memory. */
async function readLate(
  shard: Shard,
  parts: readonly ReadPart[],
  from: number,
  bytesMax: number,
  memory: ReadMemory | undefined,
  results: Part[],
  first: Promise<Part>,
): Promise<Part[]> {
  let left = bytesMax
  shard.reads.begin(bytesMax)
  try {
    for (let i = from; i < parts.length; i++) {
      const part = parts[i]!
      const size = Math.min(part.bytesMax, left)
      const one = i === from ? await first : await readPart(shard, part, size, left > 0, memory)
      results.push(one)
      left -= bytesOf(one)
    }
    return results
  } finally {
    shard.reads.end(bytesMax)
  }
}

const bytesOf = (part: Part): number =>
  'error' in part ? 0 : part.ok.batches.reduce((sum, batch) => sum + batch.bytes.length, 0)

function readPart(
  shard: Shard,
  part: ReadPart,
  bytesMax: number,
  any: boolean,
  memory: ReadMemory | undefined,
): Part | Promise<Part> {
  const partition = shard.logs.get(part.log)?.partition(part.partition)
  if (!partition) return notFound('partition')
  const { start, durableEnd } = partition
  if (part.offset < start || part.offset > durableEnd) {
    return { error: 'outOfRange', detail: `offset ${part.offset} of a partition that has ${start} to ${durableEnd}` }
  }
  if (part.offset === durableEnd || !any) return { ok: { batches: [], start, end: durableEnd } }
  const extents = readOn(shard, partition, part.offset, durableEnd, bytesMax, memory)
  const result = (found: Awaited<typeof extents>): Part => {
    const batches = found.map((extent) => new StoredBatch(partition.index, extent))
    for (const batch of batches) shard.counters.recordsOut += batch.count
    return { ok: { batches, start: partition.start, end: partition.durableEnd } }
  }
  if (!(extents instanceof Promise)) return result(extents)
  return extents.then(result, (error: unknown) => failureOf(shard, partition, error))
}

function failureOf(shard: Shard, partition: Partition, error: unknown): Failure {
  if (shard.health.state === 'failed' || !shard.partitions.has(partition.id)) return unavailable
  return { error: 'unavailable', detail: error instanceof Error ? error.message : 'the stored bytes cannot be read' }
}
