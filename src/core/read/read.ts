import type { Timer } from '../../world/index.ts'
import type { ReadOptions, ReadPart } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import { bytesOf, nextOf, type Part } from './read-part.ts'
import { readParts } from './read-parts.ts'

/** Reads now; if that is less than asked for, waits for more, or for the time to run out, and reads again. */
export async function read(shard: Shard, parts: readonly ReadPart[], options: ReadOptions): Promise<Part[]> {
  const deadline = shard.monotonic + options.waitMs
  const connected = isConnected(shard, options.session)
  for (;;) {
    const bytesMax = Math.min(options.bytesMax, shard.reads.share())
    const bytesMin = Math.min(options.bytesMin, bytesMax)
    const found = readParts(shard, parts, { ...options, bytesMin, bytesMax })
    const results = found instanceof Promise ? await found : found
    const left = deadline - shard.monotonic
    const over = left <= 0 || shard.health.state === 'failed' || isConnected(shard, options.session) !== connected
    if (over || enough(parts, results, bytesMin)) return counted(shard, results)
    options.memory?.clear()
    // What came while the disk was read has woken nobody.
    if (!(found instanceof Promise) || !hasGrown(shard, parts, results))
      await growth(shard, parts, options.session, left)
  }
}

export const isConnected = (shard: Shard, session: number): boolean =>
  (shard.sessions.get(session)?.receiver ?? null) !== null

function enough(parts: readonly ReadPart[], results: readonly Part[], bytesMin: number): boolean {
  if (bytesMin <= 0) return true
  let bytes = 0
  let more = false
  for (const [i, result] of results.entries()) {
    // A failure is news: who asked for this part has to do something about it.
    if ('error' in result) return true
    bytes += bytesOf(result)
    if (nextOf(parts[i]!, result.ok) < result.ok.end) more = true
  }
  // Where there is more than one read may give, to wait would be to wait for the time to run out.
  return bytes >= bytesMin || (more && bytes > 0)
}

function counted(shard: Shard, results: Part[]): Part[] {
  for (const result of results) {
    if ('ok' in result) for (const batch of result.ok.batches) shard.counters.recordsOut += batch.count
  }
  return results
}

function hasGrown(shard: Shard, parts: readonly ReadPart[], results: readonly Part[]): boolean {
  return parts.some(({ log, partition: index }, i) => {
    const state = shard.logs.get(log)
    const partition = state?.partition(index)
    const result = results[i]!
    if (!partition) return state?.isUnusedLane(index) !== true
    return 'ok' in result && partition.durableEnd > result.ok.end
  })
}

/** Resolves when one of the partitions has grown or gone, when the session's connection has gone, or after `waitMs`. */
function growth(shard: Shard, parts: readonly ReadPart[], session: number, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const watched: number[] = []
    const whenGone = shard.sessions.get(session)?.whenGone
    let timer: Timer | null = null
    let asked = false
    const stop = (): void => {
      timer?.cancel()
      whenGone?.delete(stop)
      for (const id of watched) shard.unwatch(id, wake)
      resolve()
    }
    const wake = (): void => {
      if (asked) return
      asked = true
      shard.world.timers.endOfTurn(stop)
    }
    for (const part of parts) {
      const log = shard.logs.get(part.log)
      if (log === undefined) continue
      const { id } = log.partition(part.partition) ?? log
      shard.watch(id, wake)
      watched.push(id)
    }
    timer = shard.world.timers.after(waitMs, stop)
    whenGone?.add(stop)
  })
}
