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
  if (state !== undefined) shard.stage.drop(state.partition.id)
  forgetLastValues(shard, item.id)
}

/** At recovery there is nothing to stage. */
export function forgetLastValues(shard: Shard, namespace: Id): void {
  const state = shard.lastValues.get(namespace)
  if (state === undefined) return
  shard.lastValues.delete(namespace)
  shard.lastValuePartitions.delete(state.partition.id)
  shard.partitions.delete(state.partition.id)
}

/** How much of what matches is read at a time. */
const pageBytes = 256 * 1024
const pageRecords = 256

/**
 * Those that match now, are durable and have not expired when they are read. What takes the place of one meanwhile, or
 * removes it, goes by the routes: then neither is among them.
 */
export function lastValues(shard: Shard, namespace: Id, pattern: Pattern): AsyncIterable<readonly DeliveredBatch[]> {
  const state = shard.lastValues.get(namespace)
  return pagesOf(shard, state, state?.partition.next ?? 0, pattern)
}

async function* pagesOf(
  shard: Shard,
  state: LastValueState | undefined,
  end: number,
  pattern: Pattern,
): AsyncGenerator<readonly DeliveredBatch[], undefined> {
  if (state === undefined) return
  const { partition, values } = state
  if (end > partition.durableEnd) await shard.reply(undefined, undefined, () => undefined)
  // Others get their turn before each page: many patterns that find little are much to do as well.
  await turn(shard)
  let page: DeliveredBatch[] = []
  let bytes = 0
  for (const value of values.match(pattern)) {
    if (value === null) await turn(shard)
    if (shard.lastValues.get(state.namespace) !== state) return
    if (value === null || value.offset >= end || (value.expiresAt !== null && value.expiresAt <= shard.now)) continue
    const { offset } = value
    const read = readOn(shard, partition, offset, offset + 1, 1)
    const [extent] = read instanceof Promise ? await read.catch(noneIfDisk) : read
    if (extent?.baseOffset !== offset) continue
    page.push(new StoredBatch(0, ownMemory(extent), true))
    bytes += extent.batch.length
    if (bytes < pageBytes && page.length < pageRecords) continue
    yield page
    page = []
    bytes = 0
    await turn(shard)
  }
  if (page.length > 0) yield page
}

function turn({ world }: Shard): Promise<void> {
  return new Promise((resolve) => world.timers.endOfTurn(resolve))
}

/** A page waits for a slow client, and would keep a slab of the log for each message. */
function ownMemory(extent: StoredExtent): StoredExtent {
  const { batch, meta } = extent
  if (batch.length * 2 > batch.buffer.byteLength) return extent
  const own = Buffer.allocUnsafeSlow(batch.length + meta.length)
  own.set(batch)
  own.set(meta, batch.length)
  return { ...extent, batch: own.subarray(0, batch.length), meta: own.subarray(batch.length) }
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
