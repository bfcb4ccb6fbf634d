import type { RouteSpec } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import { routeTargetId, type Item } from './catalogue.ts'
import { put } from './partitions.ts'

export function createRoute(shard: Shard, spec: RouteSpec): Item {
  const owner = spec.owner === undefined ? undefined : shard.sessions.get(spec.owner)
  const item: Item = { id: shard.ids.take(), revision: 1, spec }
  if (owner !== undefined && !owner.durable) item.volatile = true
  put(shard, item)
  owner?.owned.add(item.id)
  installRoute(shard, item.id, spec)
  return item
}

/** In the router; fresh or at recovery. */
export function installRoute(shard: Shard, id: number, spec: RouteSpec): void {
  shard.router.add(id, spec)
  const log = shard.logs.get(routeTargetId(spec))
  if (log !== undefined) log.hadRoute = true
  shard.routed.add(spec.space)
}

/** A route that differs from an existing one in what describes it, not in what it does: that one, redefined. */
export function replaceRoute(shard: Shard, spec: RouteSpec): Item | undefined {
  const item = shard.catalogue.routeLike(spec)
  if (item === undefined) return undefined
  const next: Item = { ...item, revision: item.revision + 1, spec }
  put(shard, next)
  shard.router.remove(item.id)
  shard.router.add(item.id, spec)
  return next
}
