import { batchHeader, RecordTable, writtenByNewer } from '../../log/index.ts'
import type { ExtentFacts } from '../../log/index.ts'
import type { Item } from '../catalogue/catalogue.ts'
import { installLog, redefineLog } from '../catalogue/logs.ts'
import { decodeItem, install, levelOfLog } from '../catalogue/partitions.ts'
import { installRoute } from '../catalogue/routes.ts'
import { installSubscription } from '../catalogue/subscriptions.ts'
import { Leased } from '../consume/leased.ts'
import { Reader } from '../../base/index.ts'
import { decodeExtentMeta } from '../extent-meta.ts'
import type { Id, LogSpec, SubscriptionSpec } from '../facade/index.ts'
import { forgetLastValues, installLastValues } from '../last-value/last-value.ts'
import type { LastValueState } from '../last-value/state.ts'
import { forgetSchedule, installSchedule } from '../schedule/index.ts'
import { Producers } from '../producer/producers.ts'
import { applySaved, decodeSession } from '../session/codec.ts'
import { extentFlag } from '../shard/batches.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** One journal entry, onto a shard that has no store yet. Whole values: again is harmless, and the last one counts. */
export function replayEntry(shard: Shard, kind: number, object: Id, body: Buffer): void {
  switch (kind) {
    case entryKind.ids:
      shard.reservedIds = Math.max(shard.reservedIds, body.readDoubleLE())
      break
    case entryKind.catalogue:
      if (body.length === 0) replayDrop(shard, object)
      else replayItem(shard, decodeItem(object, body))
      break
    case entryKind.session:
      replaySession(shard, object, body)
      break
    case entryKind.saved: {
      const session = shard.sessions.get(object)
      if (session !== undefined) applySaved(session, body)
      break
    }
    case entryKind.positions:
      shard.positional.get(object)?.apply(body)
      break
    case entryKind.leases:
      replayLeases(shard, object, body)
      break
    default:
      throw writtenByNewer(`the journal has entries of kind ${kind}`)
  }
}

export function replayItem(shard: Shard, item: Item): void {
  const known = shard.catalogue.get(item.id)
  shard.catalogue.put(item)
  switch (item.spec.kind) {
    case 'log':
      replayLog(shard, item as Item<LogSpec>)
      break
    case 'subscription':
      replaySubscription(shard, item as Item<SubscriptionSpec>)
      break
    case 'route':
      if (known !== undefined) shard.router.remove(item.id)
      installRoute(shard, item.id, item.spec)
      break
    case 'namespace':
      for (const id of item.partitions ?? []) {
        if (!shard.partitions.has(id)) installLastValues(shard, item.id, id)
      }
      if (item.schedule !== undefined && !shard.leased.has(item.schedule.subscription)) {
        installSchedule(shard, item.id, item.schedule)
      }
      break
    default:
      shard.router.changed()
  }
}

function replayLog(shard: Shard, { id, spec, partitions = [], untimed }: Item<LogSpec>): void {
  const known = shard.logs.get(id)
  const log = known ?? installLog(shard, id, spec)
  if (known !== undefined) redefineLog(shard, known, spec)
  log.expires = log.delays = !untimed
  partitions.forEach((store, index) => {
    if (store === 0) return
    const bounds = { start: 0, next: 0, bytes: 0 }
    const partition = shard.partitions.get(store) ?? new Partition(store, index, id, levelOfLog(shard, spec), bounds)
    partition.level = log.level
    install(shard, log, partition)
    for (const subscription of log.leased) {
      const leased = shard.leased.get(subscription)
      if (leased?.lane(index) === null) leased.addLane(partition, 0)
    }
  })
}

function replaySubscription(shard: Shard, { id, spec, starts = [] }: Item<SubscriptionSpec>): void {
  const log = shard.logs.get(spec.log as Id)
  if (log === undefined) return
  const known = shard.leased.get(id)
  if (known !== undefined) return known.redefine(spec)
  const positional = shard.positional.get(id)
  if (positional !== undefined) {
    positional.spec = spec
    return
  }
  const state = installSubscription(shard, log, id, spec)
  if (!(state instanceof Leased)) return
  for (const partition of log.partitions) if (partition !== null) state.addLane(partition, starts[partition.index] ?? 0)
}

function replayDrop(shard: Shard, id: Id): void {
  const item = shard.catalogue.get(id)
  if (item === undefined) return
  shard.catalogue.remove(id)
  switch (item.spec.kind) {
    case 'log': {
      const log = shard.logs.get(id)
      for (const partition of log?.partitions ?? []) if (partition !== null) shard.partitions.delete(partition.id)
      shard.router.unbind(id)
      shard.logs.delete(id)
      break
    }
    case 'subscription': {
      const log = shard.logs.get(item.spec.log as Id)
      log?.leased.delete(id)
      log?.positional.delete(id)
      shard.leased.delete(id)
      shard.positional.delete(id)
      break
    }
    case 'route':
      shard.router.remove(id)
      break
    case 'namespace':
      forgetLastValues(shard, id)
      forgetSchedule(shard, item)
      break
    default:
      shard.router.changed()
  }
}

function replaySession(shard: Shard, id: Id, body: Buffer): void {
  const known = shard.sessions.get(id)
  if (known !== undefined) shard.removeSession(known)
  if (body.length === 0) return
  const session = decodeSession(id, body)
  if (known !== undefined) for (const [key, value] of known.saved) session.saved.set(key, value)
  shard.addSession(session)
}

function replayLeases(shard: Shard, id: Id, body: Buffer): void {
  const leased = shard.leased.get(id)
  if (leased === undefined) return
  const reader = new Reader(body)
  leased.lane(reader.uvarint())?.queue.applyEntry(reader)
}

/** What a stored batch says about its producer and its message id. Returns the object whose state it is, or 0. */
export function replayExtent(shard: Shard, id: number, extent: ExtentFacts, batch: Buffer): Id {
  const values = shard.lastValuePartitions.get(id)
  if (values !== undefined) {
    replayLastValue(values, extent, batch)
    return values.namespace
  }
  const partition = shard.partitions.get(id)
  if (partition === undefined) return 0
  const { baseOffset, appendTime, count, flags } = extent
  if ((flags & extentFlag.producer) !== 0) {
    const producer = {
      id: batchHeader.producerId(batch),
      epoch: batchHeader.producerEpoch(batch),
      sequence: batchHeader.baseSequence(batch),
    }
    partition.producers ??= new Producers()
    partition.producers.record(producer, count, baseOffset, appendTime)
  }
  const dedupe = shard.logs.get(partition.log)?.dedupe
  const messageId = dedupe ? decodeExtentMeta(extent.meta).messageId : null
  if (messageId !== null) dedupe!.record(messageId, { partition: partition.index, baseOffset, appendTime })
  return messageId !== null || (flags & extentFlag.producer) !== 0 ? partition.log : 0
}

function replayLastValue({ values, partition }: LastValueState, extent: ExtentFacts, batch: Buffer): void {
  const { address, expiresAt } = decodeExtentMeta(extent.meta)
  if (address === null) return
  const { levels } = address
  if (new RecordTable(batch).valueBytes(0) > 0) {
    values.set({ levels, partition: partition.id, offset: extent.baseOffset, expiresAt })
  } else if ((values.get(levels)?.offset ?? -1) < extent.baseOffset) {
    values.delete(levels)
  }
}
