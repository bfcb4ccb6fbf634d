import type { StoredBatch } from '../shard/batches.ts'

/** A producer's batch is stored as it came; what stands in it may be nonsense. */
export function isReadable(batch: StoredBatch): boolean {
  try {
    return batch.table.count >= 0
  } catch {
    return false
  }
}
