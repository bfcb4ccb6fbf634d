import type { Outcome } from '../../base/index.ts'
import type { Id, NamespaceSpec, RouteSpec, SubscriptionSpec } from '../facade/index.ts'
import { detach } from '../consume/attach.ts'
import { dropLastValues } from '../last-value/last-value.ts'
import { dropSchedule } from '../schedule/index.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { routeTargetId, type Item } from './catalogue.ts'

const nothing = Buffer.alloc(0)

export function drop(
  shard: Shard,
  what: { id: Id; ifUnused?: boolean; ifEmpty?: boolean },
): Outcome<{ records: number }> {
  const item = shard.catalogue.get(what.id)
  if (item === undefined) return notFound('object')
  if (item.spec.kind === 'namespace' && item.spec.name === 'default') {
    return { error: 'denied', detail: 'the default namespace is always there' }
  }
  if (what.ifUnused && inUse(shard, item)) return { error: 'inUse', detail: 'something uses it' }
  if (what.ifEmpty && readyIn(shard, item) > 0) return { error: 'notEmpty', detail: 'there are records in it' }
  const records = readyIn(shard, item)
  dropItem(shard, item)
  return { ok: { records } }
}

function inUse(shard: Shard, { id, spec }: Item): boolean {
  switch (spec.kind) {
    case 'log':
      return (shard.logs.get(id)?.consumers ?? 0) > 0
    case 'subscription':
      return (shard.leased.get(id)?.consumers.size ?? 0) > 0
    case 'space':
      return shard.router.of(id).some((route) => (shard.catalogue.get(route)?.spec as RouteSpec).space === id)
    default:
      return false
  }
}

function readyIn(shard: Shard, { id, spec }: Item): number {
  if (spec.kind === 'subscription') return shard.leased.get(id)?.staged ?? 0
  const main = spec.kind === 'log' ? shard.catalogue.subscription(id, '', 'leased') : undefined
  return main === undefined ? 0 : (shard.leased.get(main.id)?.staged ?? 0)
}

/** With everything that cannot be without it. */
export function dropItem(shard: Shard, item: Item): void {
  const { id, spec } = item
  if (shard.catalogue.get(id) === undefined) return
  switch (spec.kind) {
    case 'namespace':
      dropNamespace(shard, item as Item<NamespaceSpec>)
      break
    case 'space':
      dropRoutes(shard, id)
      break
    case 'log':
      dropLog(shard, id)
      break
    case 'subscription':
      dropSubscription(shard, item as Item<SubscriptionSpec>)
      break
    case 'route':
      dropRoute(shard, id, spec)
      break
  }
  forget(shard, item)
  if (spec.kind === 'space') shard.router.changed()
}

function forget(shard: Shard, item: Item): void {
  shard.catalogue.remove(item.id)
  if ('lifetime' in item.spec && item.spec.lifetime.owner !== undefined) {
    shard.sessions.get(item.spec.lifetime.owner)?.owned.delete(item.id)
  }
  shard.routed.delete(item.id)
  shard.unused.delete(item.id)
  if (!item.volatile) shard.stage.entry(entryKind.catalogue, item.id, nothing)
}

function dropNamespace(shard: Shard, item: Item<NamespaceSpec>): void {
  const namespace = item.id
  const { catalogue } = shard
  for (const log of catalogue.all('log')) if (log.spec.namespace === namespace) dropItem(shard, log)
  for (const space of catalogue.all('space')) if (space.spec.namespace === namespace) dropItem(shard, space)
  dropLastValues(shard, item)
  dropSchedule(shard, item)
}

function dropRoutes(shard: Shard, id: Id): void {
  for (const route of shard.router.of(id)) {
    const item = shard.catalogue.get(route)
    if (item !== undefined) dropItem(shard, item)
  }
}

function dropRoute(shard: Shard, id: Id, spec: RouteSpec): void {
  shard.router.remove(id)
  if (spec.owner !== undefined) shard.sessions.get(spec.owner)?.owned.delete(id)
  shard.unused.add(spec.space).add(routeTargetId(spec))
  shard.turn.ask()
}

function dropLog(shard: Shard, id: Id): void {
  const log = shard.logs.get(id)
  if (log === undefined) return
  dropRoutes(shard, id)
  for (const subscription of [...log.leased, ...log.positional]) {
    const item = shard.catalogue.get(subscription)
    if (item !== undefined) dropItem(shard, item)
  }
  shard.router.unbind(id)
  shard.logs.delete(id)
  shard.watched(id)
  shard.watchers.delete(id)
  shard.consumed.delete(log)
  for (const partition of log.partitions) {
    if (partition === null) continue
    shard.partitions.delete(partition.id)
    shard.stage.drop(partition.id)
    shard.watched(partition.id)
    shard.watchers.delete(partition.id)
  }
}

function dropSubscription(shard: Shard, { id, spec }: Item<SubscriptionSpec>): void {
  const log = shard.logs.get(spec.log as Id)
  log?.leased.delete(id)
  log?.positional.delete(id)
  if (log !== undefined && log.spec.keep?.consumed) shard.consumed.add(log)
  shard.positional.delete(id)
  const leased = shard.leased.get(id)
  if (leased === undefined) return
  for (const consumer of [...leased.consumers.consumers()]) {
    const owner = shard.sessions.get(consumer.session)
    detach(shard, consumer.id, 'release')
    owner?.notices.push({ notice: 'gone', consumer: consumer.id })
    if (owner !== undefined) shard.output(owner)
  }
  leased.timer?.cancel()
  leased.timer = null
  for (const lane of leased.lanes) if (lane !== null) shard.readAhead.drop(lane)
  shard.leased.delete(id)
  shard.ready.delete(leased)
  if (log !== undefined && log.spec.lifetime?.lastConsumer) shard.unused.add(log.id)
}
