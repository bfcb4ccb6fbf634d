import { Damaged, type ReadMemory, type StoredExtent } from '../../log/index.ts'
import { DiskError } from '../../world/index.ts'
import type { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** How long until what the disk did not give is asked for again. */
export const readAgainMs = 1000

/**
 * As `Store.read`, but damage costs only itself: it is told, and reading goes on behind it. Rejects with a `DiskError`,
 * which may pass, after telling it.
 */
export function readOn(
  shard: Shard,
  partition: Partition,
  from: number,
  upTo: number,
  bytesMax: number,
  memory?: ReadMemory,
  until?: number,
): StoredExtent[] | Promise<StoredExtent[]> {
  const read = shard.store.read(partition.id, from, upTo, bytesMax, memory, until)
  return read instanceof Promise
    ? read.catch((error: unknown) => goOn(shard, partition, error, upTo, bytesMax, memory))
    : read
}

async function goOn(
  shard: Shard,
  partition: Partition,
  met: unknown,
  upTo: number,
  bytesMax: number,
  memory?: ReadMemory,
): Promise<StoredExtent[]> {
  for (let error = met; ;) {
    const below = endOfDamage(shard, partition, error, upTo)
    if (below >= upTo) return []
    try {
      return await shard.store.read(partition.id, below, upTo, bytesMax, memory)
    } catch (next) {
      error = next
    }
  }
}

/** Tells of an error that ended a read. Returns the offset behind the damage; throws what is no damage. */
export function endOfDamage(shard: Shard, partition: Partition, error: unknown, upTo: number): number {
  if (isCostly(error)) {
    shard.unreadable.met(partition, error, upTo)
    return error.cost.below
  }
  if (error instanceof DiskError && shard.health.state !== 'failed') shard.unreadable.failed(error)
  throw error
}

const isCostly = (error: unknown): error is Damaged & { cost: NonNullable<Damaged['cost']> } =>
  error instanceof Damaged && error.cost !== null
