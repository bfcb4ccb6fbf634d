import type { SizeOf } from '../queue/ready-bytes.ts'
import type { StoredBatch } from '../shard/batches.ts'
import type { Lane } from './leased.ts'

/** `valueBytes` of records of a batch, as `Partition.appended` counts them. */
export function sizeOf(lane: Lane, batch: StoredBatch, count: number, valueBytes: number): number {
  return lane.partition.countsValues ? valueBytes : Math.round((batch.bytes.length * count) / batch.count)
}

/** Of each record of a batch by itself; undefined where all that is stored counts, and nobody needs it exactly. */
export const sizesOf = (lane: Lane, batch: StoredBatch): SizeOf | undefined =>
  lane.partition.countsValues ? (offset) => valueBytesAt(batch, offset) : undefined

/** A hole has none. */
export function valueBytesAt(batch: StoredBatch, offset: number): number {
  const { table, baseOffset } = batch
  const index = batch.indexOf(offset)
  return index < table.count && baseOffset + table.offsetDelta(index) === offset ? table.valueBytes(index) : 0
}
