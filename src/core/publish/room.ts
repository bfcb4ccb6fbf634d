import type { Failure } from '../../base/index.ts'
import { RecordTable } from '../../log/index.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'

/** How many more records the log takes: Infinity, unless a subscription that refuses at its limit is near it. */
export function room(shard: Shard, log: LogState): number {
  let room = Infinity
  for (const id of log.leased) {
    const leased = shard.leased.get(id)
    if (leased === undefined) continue
    const { overflow, readyMax, readyBytesMax } = leased.policy
    if (overflow !== 'refuse' && overflow !== 'refuseDeadLetter') continue
    if (readyMax !== undefined) {
      const { ready, staged } = leased
      // What waits for the disk alone, and goes to a consumer then, is never in the queue.
      const waiting = staged > ready ? staged - leased.consumers.credit(staged) : ready
      room = Math.min(room, Math.max(0, readyMax - Math.max(ready, waiting)))
    }
    if (readyBytesMax !== undefined && leased.readyBytes >= readyBytesMax) room = 0
  }
  return room
}

export const logFull: Failure = { error: 'full', detail: 'the queue is at its limit and refuses more' }

/** May anything that takes space be staged? */
export function storeRefuses(shard: Shard): Failure | null {
  return shard.health.state === 'ok' ? null : shard.health.failure
}

/** A record that is larger than the log takes. */
export function tooLargeFor(shard: Shard, log: LogState, batch: Buffer): Failure | null {
  const max = log.spec.recordBytesMax ?? shard.limits.recordBytesMax
  if (batch.length <= max) return null
  const table = new RecordTable(batch)
  for (let i = 0; i < table.count; i++) {
    const bytes = table.valueBytes(i)
    if (bytes > max) return { error: 'tooLarge', detail: `a record of ${bytes} bytes; at most ${max} are taken here` }
  }
  return null
}
