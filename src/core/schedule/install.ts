import { put } from '../catalogue/partitions.ts'
import type { Item, ScheduleIds } from '../catalogue/catalogue.ts'
import { Leased } from '../consume/leased.ts'
import type { Id, LogSpec, NamespaceSpec } from '../facade/index.ts'
import { LogState } from '../shard/log-state.ts'
import { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** The schedule of a namespace, made with its first deferred publish. */
export function scheduleOf(shard: Shard, namespace: Id): Leased {
  const item = shard.catalogue.get(namespace)!
  if (item.schedule !== undefined) return shard.leased.get(item.schedule.subscription)!
  const schedule = { log: shard.ids.take(), subscription: shard.ids.take(), partition: shard.ids.take() }
  shard.stage.create(schedule.partition)
  put(shard, { ...item, schedule })
  return installSchedule(shard, namespace, schedule)
}

/** A log like others, but for the shard alone: it has no name in the catalogue, and nobody attaches to it. */
export function installSchedule(shard: Shard, namespace: Id, ids: ScheduleIds): Leased {
  const spec: LogSpec = { kind: 'log', namespace, name: ['schedule'], partitions: 1, keep: { consumed: true } }
  const log = new LogState(ids.log, spec, shard.limits.durability)
  const partition = new Partition(ids.partition, 0, ids.log, shard.limits.durability, { start: 0, next: 0, bytes: 0 })
  const leased = new Leased(ids.subscription, log, { kind: 'subscription', log: ids.log, name: '', mode: 'leased' })
  log.delays = leased.scheduled = true
  log.partitions.push(partition)
  log.leased.add(leased.id)
  leased.addLane(partition, 0)
  shard.partitions.set(partition.id, partition)
  shard.logs.set(log.id, log)
  shard.leased.set(leased.id, leased)
  return leased
}

export function dropSchedule(shard: Shard, item: Item<NamespaceSpec>): void {
  if (item.schedule !== undefined) shard.stage.drop(item.schedule.partition)
  forgetSchedule(shard, item)
}

/** At recovery there is nothing to stage. */
export function forgetSchedule(shard: Shard, { schedule }: Item): void {
  if (schedule === undefined) return
  const leased = shard.leased.get(schedule.subscription)
  leased?.timer?.cancel()
  if (leased !== undefined) shard.consumed.delete(leased.log)
  shard.leased.delete(schedule.subscription)
  shard.logs.delete(schedule.log)
  shard.partitions.delete(schedule.partition)
}
