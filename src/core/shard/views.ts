import type { BrokerMetrics, Entry, Id, RouteSpec, SessionInfo, SubscriptionStats } from '../facade/index.ts'
import type { Shard } from './shard.ts'

/** What the facade's look-ups show; staged state, so what they reveal waits for `settled`. */
export function statsOf(shard: Shard, id: Id): SubscriptionStats {
  const stats = { ready: 0, readyBytes: 0, leased: 0, delayed: 0, consumers: 0, lostToRetention: 0 }
  const leased = shard.leased.get(id)
  if (leased === undefined) return stats
  for (const lane of leased.lanes) {
    if (lane === null) continue
    stats.leased += lane.queue.leased
    stats.delayed += lane.queue.delayed
  }
  stats.ready = leased.staged
  stats.readyBytes = leased.readyBytes
  stats.consumers = leased.consumers.size
  stats.lostToRetention = leased.lost
  return stats
}

export function routesOf(shard: Shard, id: Id): Entry<RouteSpec>[] {
  const found: Entry<RouteSpec>[] = []
  for (const route of shard.router.of(id)) {
    const item = shard.catalogue.get(route)
    if (item !== undefined) found.push(item as Entry<RouteSpec>)
  }
  return found
}

export function sessionInfos(shard: Shard): SessionInfo[] {
  return [...shard.sessions.values()].map(({ id, name, namespace, user, receiver, client }) => {
    return { id, name, namespace, user, connected: receiver !== null, client }
  })
}

export function metricsOf(shard: Shard): BrokerMetrics {
  return {
    ...shard.counters,
    unreadable: shard.unreadable.records,
    logs: shard.logs.size,
    subscriptions: shard.leased.size + shard.positional.size,
    sessions: shard.sessions.size,
    stagedBytes: shard.stage.bytes,
  }
}
