import type { StoredExtent } from '../../log/index.ts'
import { DiskError } from '../../world/index.ts'
import type { Item } from '../catalogue/catalogue.ts'
import { put } from '../catalogue/partitions.ts'
import type { DeliveredBatch, Id, NamespaceSpec, Pattern, PublishOp } from '../facade/index.ts'
import { readOn } from '../read/read-on.ts'
import { Copier, noHistory } from '../publish/copier.ts'
import { StoredBatch } from '../shard/batches.ts'
import { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'
import { LastValueState } from './state.ts'

const none: readonly Id[] = []

/** Makes the record the last value of each address; an empty one removes what is there. */
export function retain(shard: Shard, publisher: Id, op: PublishOp, copier: Copier): void {
  for (const address of op.to) {
    const space = shard.catalogue.get(address.space)?.spec
    if (space?.kind !== 'space' || space.name !== '') continue
    const state = stateOf(shard, space.namespace)
    const empty = copier.table.valueBytes(0) === 0
    if (empty && state.values.get(address.levels) === undefined) continue
    const own = { publisher, address, history: noHistory, hops: 0, messageId: null }
    const copy = address === copier.origin.address ? copier : new Copier(shard, op, own)
    const offset = copy.append(state.partition, null, none)
    state.changed = true
    shard.stage.changed.add(state.namespace)
    if (empty) state.values.delete(address.levels)
    else {
      const expiresAt = op.expiresAt ?? null
      state.values.set({ levels: [...address.levels], partition: state.partition.id, offset, expiresAt })
    }
  }
}

function stateOf(shard: Shard, namespace: Id): LastValueState {
  const known = shard.lastValues.get(namespace)
  if (known !== undefined) return known
  const id = shard.ids.take()
  shard.stage.create(id)
  const item = shard.catalogue.get(namespace)!
  put(shard, { ...item, partitions: [id] })
  return installLastValues(shard, namespace, id)
}

export function installLastValues(shard: Shard, namespace: Id, id: number): LastValueState {
  const partition = new Partition(id, 0, 0, shard.limits.durability, { start: 0, next: 0, bytes: 0 })
  const state = new LastValueState(namespace, partition)
  shard.partitions.set(id, partition)
  shard.lastValues.set(namespace, state)
  shard.lastValuePartitions.set(id, state)
  return state
}

export function dropLastValues(shard: Shard, item: Item<NamespaceSpec>): void {
  const state = shard.lastValues.get(item.id)
  if (state === undefined) return
  shard.lastValues.delete(item.id)
  shard.lastValuePartitions.delete(state.partition.id)
  shard.partitions.delete(state.partition.id)
  shard.stage.drop(state.partition.id)
}

/** Those that match and have not expired, once they are durable. */
export async function lastValues(shard: Shard, namespace: Id, pattern: Pattern): Promise<DeliveredBatch[]> {
  const state = shard.lastValues.get(namespace)
  if (state === undefined) return []
  const { partition, values } = state
  const found = values.match(pattern)
  if (found.some(({ offset }) => offset >= partition.durableEnd)) {
    await shard.reply(undefined, undefined, () => undefined)
  }
  const batches: DeliveredBatch[] = []
  for (const value of found) {
    if (value.expiresAt !== null && value.expiresAt <= shard.now) continue
    const read = readOn(shard, partition, value.offset, value.offset + 1, 1)
    const [extent] = read instanceof Promise ? await read.catch(noneIfDisk) : read
    if (extent !== undefined && extent.baseOffset === value.offset) batches.push(new StoredBatch(0, extent, true))
  }
  return batches
}

/** It was told; whoever subscribes gets the other ones. */
function noneIfDisk(error: unknown): StoredExtent[] {
  if (error instanceof DiskError) return []
  throw error
}

/** What has expired, and what no value points to any more, goes. */
export function trimLastValues(shard: Shard): void {
  for (const state of shard.lastValues.values()) {
    if (state.values.expire(shard.now)) {
      state.changed = true
      shard.stage.changed.add(state.namespace)
    }
    if (!state.changed) continue
    state.changed = false
    const { partition, values } = state
    shard.stage.trim(partition, Math.min(values.lowest(partition.id), partition.durableEnd))
  }
}
