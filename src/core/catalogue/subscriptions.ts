import { Leased } from '../consume/leased.ts'
import { Positional } from '../consume/positional.ts'
import type { Id, SubscriptionSpec } from '../facade/index.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'
import type { Item } from './catalogue.ts'
import { put } from './partitions.ts'

/** A subscription's state, fresh or at recovery. */
export function installSubscription(shard: Shard, log: LogState, id: Id, spec: SubscriptionSpec): Leased | Positional {
  if (spec.mode === 'positional') {
    log.positional.add(id)
    const positional = new Positional(id, log.id, spec)
    shard.positional.set(id, positional)
    return positional
  }
  const leased = new Leased(id, log, spec)
  log.leased.add(id)
  leased.usedAt = shard.monotonic
  shard.leased.set(id, leased)
  return leased
}

export function createSubscription(shard: Shard, log: LogState, spec: SubscriptionSpec, revision = 1): Item {
  const id = shard.ids.take()
  const state = installSubscription(shard, log, id, spec)
  const item: Item = { id, revision, spec }
  if (state instanceof Leased) {
    // What is staged before the subscription counts as before its start; `end` means the end as it is now.
    const starts = log.partitions.map((partition) => {
      if (partition === null) return 0
      return spec.start === 'end' ? partition.next : partition.start
    })
    for (const partition of log.partitions) if (partition !== null) state.addLane(partition, starts[partition.index]!)
    item.starts = starts
  }
  put(shard, item)
  return item
}

export function ensurePositional(shard: Shard, log: LogState, name: string): Positional {
  const known = shard.catalogue.subscription(log.id, name, 'positional')
  if (known !== undefined) return shard.positional.get(known.id)!
  const { id } = createSubscription(shard, log, { kind: 'subscription', log: log.id, name, mode: 'positional' })
  return shard.positional.get(id)!
}
