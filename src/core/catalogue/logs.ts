import type { Failure } from '../../base/index.ts'
import type { Id, LogSpec } from '../facade/index.ts'
import { DedupeWindow } from '../producer/dedupe.ts'
import { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'
import type { Item } from './catalogue.ts'
import { addPartition, levelOfLog, put } from './partitions.ts'

const partitionsMax = 100_000

/** A log's state, without partitions; fresh or at recovery. */
export function installLog(shard: Shard, id: Id, spec: LogSpec): LogState {
  const log = new LogState(id, spec, levelOfLog(shard, spec))
  log.usedAt = shard.monotonic
  shard.logs.set(id, log)
  bind(shard, log)
  return log
}

export function redefineLog(shard: Shard, log: LogState, spec: LogSpec): void {
  log.spec = spec
  log.level = levelOfLog(shard, spec)
  for (const partition of log.partitions) if (partition !== null) partition.level = log.level
  bind(shard, log)
}

function bind(shard: Shard, log: LogState): void {
  const { bound, namespace, dedupeWindowMs } = log.spec
  log.dedupe = dedupeWindowMs === undefined ? null : (log.dedupe ?? new DedupeWindow(dedupeWindowMs))
  if (log.dedupe !== null && dedupeWindowMs !== undefined) log.dedupe.windowMs = dedupeWindowMs
  const space = bound === undefined ? undefined : shard.catalogue.space(namespace, '')
  log.address = bound === undefined || space === undefined ? null : { space: space.id, levels: bound }
  if (log.address === null) shard.router.unbind(log.id)
  else shard.router.bind(log.id, log.address)
}

export function createLog(shard: Shard, spec: LogSpec): Item | Failure {
  const wrong = impossible(spec)
  if (wrong !== null) return wrong
  const id = shard.ids.take()
  const log = installLog(shard, id, spec)
  for (let i = 0; i < partitionsOf(spec); i++) addPartition(shard, log, i)
  const item: Item = { id, revision: 1, spec, partitions: log.partitions.map((one) => one?.id ?? 0), untimed: true }
  put(shard, item)
  return item
}

/** With lanes the first is there from the start, so that every log has a partition 0. */
const partitionsOf = (spec: LogSpec): number => (spec.lanes === undefined ? spec.partitions : 1)

function impossible(spec: LogSpec): Failure | null {
  const { partitions, lanes } = spec
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax) {
    return { error: 'invalid', detail: `${partitions} partitions; 1 to ${partitionsMax} are possible` }
  }
  if (lanes !== undefined && (!Number.isInteger(lanes) || lanes < 0 || lanes > 255)) {
    return { error: 'invalid', detail: `${lanes} priorities; 0 to 255 are possible` }
  }
  return null
}

export function replaceLog(shard: Shard, item: Item, spec: LogSpec): Item | Failure {
  const wrong = impossible(spec)
  if (wrong !== null) return wrong
  const log = shard.logs.get(item.id)!
  if ((log.spec.lanes === undefined) !== (spec.lanes === undefined)) {
    return { error: 'mismatch', detail: 'a log cannot get or lose its priorities' }
  }
  if (partitionsOf(spec) < partitionsOf(log.spec)) {
    return { error: 'invalid', detail: `it has ${log.partitions.length} partitions, and they cannot become fewer` }
  }
  redefineLog(shard, log, spec)
  for (let i = log.partitions.length; i < partitionsOf(spec); i++) addPartition(shard, log, i)
  shard.consumed.add(log)
  shard.turn.ask()
  const partitions = log.partitions.map((one) => one?.id ?? 0)
  const next: Item = { ...item, revision: item.revision + 1, spec, partitions }
  put(shard, next)
  return next
}
