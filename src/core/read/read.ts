import type { Timer } from '../../world/index.ts'
import type { ReadOptions, ReadPart } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import type { Part } from './read-part.ts'
import { readParts } from './read-parts.ts'

/** Reads now; if that is less than asked for, waits for more, or for the time to run out, and reads again. */
export async function read(shard: Shard, parts: readonly ReadPart[], options: ReadOptions): Promise<Part[]> {
  const deadline = shard.monotonic + options.waitMs
  for (;;) {
    const found = readParts(shard, parts, options)
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
