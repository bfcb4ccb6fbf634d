import { dropItem } from '../catalogue/drop.ts'
import { routeTargetId, type Item } from '../catalogue/catalogue.ts'
import type { Id, RouteSpec } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'

/**
 * Drops what has lost its last consumer or route, after it had one: before anybody is told of that, and asks for it again,
 * and at the end of a turn.
 */
export function endUnused(shard: Shard): void {
  while (shard.unused.size > 0) {
    const ids = [...shard.unused]
    shard.unused.clear()
    for (const id of ids) {
      const item = shard.catalogue.get(id)
      if (item !== undefined && isOver(shard, item)) dropItem(shard, item)
    }
  }
}

function isOver(shard: Shard, { id, spec }: Item): boolean {
  const lifetime = 'lifetime' in spec ? spec.lifetime : undefined
  if (lifetime === undefined) return false
  switch (spec.kind) {
    case 'log': {
      const log = shard.logs.get(id)!
      if (lifetime.lastConsumer && log.hadConsumer && log.consumers === 0) return true
      return lifetime.lastRoute === true && log.hadRoute && !routes(shard, id, (route) => routeTargetId(route) === id)
    }
    case 'subscription': {
      const leased = shard.leased.get(id)
      return lifetime.lastConsumer === true && leased !== undefined && leased.hadConsumer && leased.consumers.size === 0
    }
    case 'space':
      return lifetime.lastRoute === true && shard.routed.has(id) && !routes(shard, id, (route) => route.space === id)
    default:
      return false
  }
}

function routes(shard: Shard, id: Id, which: (route: RouteSpec) => boolean): boolean {
  return shard.router.of(id).some((route) => which(shard.catalogue.get(route)!.spec as RouteSpec))
}

/** Drops what nobody has used for as long as it says. */
export function endIdle(shard: Shard): void {
  for (const id of [...shard.catalogue.idling]) {
    const item = shard.catalogue.get(id)
    if (item === undefined || !('lifetime' in item.spec)) continue
    const { unusedMs } = item.spec.lifetime
    if (unusedMs !== undefined && idleMs(shard, item) >= unusedMs) dropItem(shard, item)
  }
}

function idleMs(shard: Shard, { id, spec }: Item): number {
  const now = shard.monotonic
  const log = shard.logs.get(id)
  if (log !== undefined) return log.consumers > 0 ? 0 : now - log.usedAt
  const leased = shard.leased.get(id)
  if (leased !== undefined) return leased.consumers.size > 0 ? 0 : now - leased.usedAt
  const positional = shard.positional.get(id)
  return positional === undefined || spec.kind !== 'subscription' ? 0 : now - positional.usedAt
}
