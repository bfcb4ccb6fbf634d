import type { Address, HistoryEntry } from '../facade/index.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'

/** What a record that dies in `log` takes along: one entry for each (log, reason), newest first. */
export function addHistory(
  shard: Shard,
  log: LogState,
  before: { history: readonly HistoryEntry[]; address: Address | null },
  reason: string,
): HistoryEntry[] {
  const { history, address } = before
  const name = log.spec.name
  const same = (entry: HistoryEntry): boolean => entry.reason === reason && entry.log.join('\0') === name.join('\0')
  const known = history.find(same)
  const space = address === null ? undefined : shard.catalogue.get(address.space)?.spec
  const place = space?.kind === 'space' ? { space: space.name, levels: address!.levels } : null
  const entry = known
    ? { ...known, count: known.count + 1 }
    : { log: name, reason, count: 1, time: shard.world.clock.wall(), address: place }
  return [entry, ...history.filter((one) => one !== known)]
}

/** Has it died in `log` before, and nobody has rejected it since? Such circles would never end: RabbitMQ's rule. */
export function comesRound(history: readonly HistoryEntry[], log: LogState): boolean {
  const name = log.spec.name.join('\0')
  for (const entry of history) {
    if (entry.reason === 'rejected') return false
    if (entry.log.join('\0') === name) return true
  }
  return false
}
