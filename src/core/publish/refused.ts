import type { Address, DeadLetter } from '../facade/index.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'
import { Copier } from './copier.ts'
import { addHistory, comesRound } from './history.ts'
import { place } from './place.ts'

/**
 * What a log did not take because a subscription refuses at its limit goes where that subscription's dead letters go,
 * if its policy says so. `runs`: pairs (first, count) of the records. `publish` routes them, where they go to a space.
 */
export function deadLetterRefused(
  shard: Shard,
  log: LogState,
  copier: Copier,
  runs: readonly number[],
  publish: (to: Address, copier: Copier) => void,
): void {
  for (const id of log.leased) {
    const { overflow, deadLetter } = shard.leased.get(id)?.policy ?? {}
    if (overflow === 'refuseDeadLetter' && deadLetter !== undefined)
      moveRefused(shard, log, copier, runs, deadLetter, publish)
  }
}

function moveRefused(
  shard: Shard,
  log: LogState,
  { records, origin, table }: Copier,
  runs: readonly number[],
  deadLetter: DeadLetter,
  publish: (to: Address, copier: Copier) => void,
): void {
  const hops = origin.hops + 1
  if (hops > shard.limits.hopsMax) return
  const { batch, foreign, priority } = records
  const kept = { batch, foreign, ...(priority === undefined ? undefined : { priority }) }
  const history = addHistory(shard, log, origin, 'limit')
  const own = origin.address?.levels ?? log.spec.name
  const cut = (address: Address | null): Copier =>
    Copier.cut(shard, kept, table, runs, { publisher: origin.publisher, address, history, hops, messageId: null })
  if (deadLetter.to === 'space') {
    const space = shard.catalogue.space(log.spec.namespace, deadLetter.space)
    if (space === undefined) return
    const address = { space: space.id, levels: deadLetter.levels ?? own }
    publish(address, cut(address))
    return
  }
  const target = shard.catalogue.log(log.spec.namespace, deadLetter.name ?? own)
  const state = target === undefined ? undefined : shard.logs.get(target.id)
  if (state === undefined || comesRound(history, state)) return
  const copier = cut(state.address)
  for (const placed of place(shard, state, priority ?? 0, () => copier.table, null)) {
    copier.append(placed.partition, placed.runs, [])
  }
}
