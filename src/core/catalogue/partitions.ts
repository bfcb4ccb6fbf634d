import { assert } from '../../base/index.ts'
import type { LogSpec } from '../facade/index.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { LogState } from '../shard/log-state.ts'
import { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'
import type { Item } from './catalogue.ts'

/** Makes the object's new value durable, and the catalogue show it. */
export function put(shard: Shard, item: Item): void {
  shard.catalogue.put(item)
  if (!item.volatile) shard.stage.entry(entryKind.catalogue, item.id, encodeItem(item))
}

export function encodeItem({ revision, spec, partitions, untimed, starts, schedule }: Item): Buffer {
  return Buffer.from(JSON.stringify({ revision, spec, partitions, untimed, starts, schedule }))
}

export function decodeItem(id: number, body: Buffer): Item {
  return { id, ...(JSON.parse(body.toString()) as Omit<Item, 'id'>) }
}

export const levelOfLog = (shard: Shard, spec: LogSpec): 'fsync' | 'os' => spec.durability ?? shard.limits.durability

/** The partition with that index, made if the log has lanes and nobody has used this one. */
export function lane(shard: Shard, log: LogState, index: number): Partition {
  const found = log.partition(index)
  if (found !== null) return found
  const item = shard.catalogue.get(log.id)
  assert(item !== undefined && log.spec.lanes !== undefined, 'only lanes are made on first use')
  const partition = addPartition(shard, log, index)
  put(shard, { ...item, partitions: log.partitions.map((one) => one?.id ?? 0) })
  return partition
}

/** Stages it; the caller puts the log's new value into the journal. */
export function addPartition(shard: Shard, log: LogState, index: number): Partition {
  const id = shard.ids.take()
  shard.stage.create(id)
  const partition = new Partition(id, index, log.id, levelOfLog(shard, log.spec), { start: 0, next: 0, bytes: 0 })
  install(shard, log, partition)
  for (const subscription of log.leased) shard.leased.get(subscription)?.addLane(partition, 0)
  shard.watched(log.id)
  return partition
}

export function install(shard: Shard, log: LogState, partition: Partition): void {
  while (log.partitions.length < partition.index) log.partitions.push(null)
  log.partitions[partition.index] = partition
  shard.partitions.set(partition.id, partition)
}
