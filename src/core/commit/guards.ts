import type { Guard } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'

export function holds(shard: Shard, guard: Guard): boolean {
  if ('id' in guard) return shard.catalogue.get(guard.id)?.revision === guard.revision
  return shard.logs.get(guard.log)?.partition(guard.partition)?.next === guard.end
}
