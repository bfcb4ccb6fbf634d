import type { Store } from '../../log/index.ts'
import { createNamespace } from '../catalogue/define.ts'
import { dropItem } from '../catalogue/drop.ts'
import { awaitReturn } from '../session/close.ts'
import type { Shard } from '../shard/shard.ts'

/** After the replay: the shard gets its store, and what a restart ends is ended. */
export function finishRecovery(shard: Shard, store: Store): void {
  shard.start(store)
  for (const partition of shard.partitions.values()) {
    const { start, next, bytes } = store.bounds(partition.id)
    partition.start = start
    partition.next = partition.durableEnd = next
    partition.bytes = bytes
  }
  for (const leased of shard.leased.values()) {
    for (const lane of leased.lanes) {
      if (lane === null) continue
      const { start, next, bytes, countsValues } = lane.partition
      lane.queue.recovered(start, next, countsValues ? 0 : bytes)
      lane.counted = false
    }
    shard.settled(leased)
  }
  for (const item of [
    ...shard.catalogue.all('space'),
    ...shard.catalogue.all('log'),
    ...shard.catalogue.all('subscription'),
  ]) {
    const owner = item.spec.lifetime?.owner
    if (owner !== undefined && !shard.sessions.has(owner)) dropItem(shard, item)
    else if (owner !== undefined) shard.sessions.get(owner)!.owned.add(item.id)
  }
  for (const item of shard.catalogue.all('route')) {
    const { owner } = item.spec
    if (owner !== undefined && !shard.sessions.has(owner)) dropItem(shard, item)
    else if (owner !== undefined) shard.sessions.get(owner)!.owned.add(item.id)
  }
  endWithoutRoute(shard)
  for (const session of shard.sessions.values()) {
    // It was connected when the broker stopped.
    if (session.leftAt === 0) session.leftAt = shard.now
    awaitReturn(shard, session)
  }
  if (shard.catalogue.namespace('default') === undefined) {
    createNamespace(shard, { kind: 'namespace', name: 'default' })
  }
}

/** What ends with its last route was made for one, and that may have died with its client: then nothing tells of it. */
function endWithoutRoute(shard: Shard): void {
  for (const log of shard.logs.values()) {
    if (!log.spec.lifetime?.lastRoute) continue
    log.hadRoute = true
    shard.unused.add(log.id)
    shard.turn.ask()
  }
}
