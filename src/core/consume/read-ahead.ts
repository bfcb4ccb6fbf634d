import { Reads } from '../read/reads.ts'
import type { StoredBatch } from '../shard/batches.ts'
import type { Lane } from './leased.ts'

const none: readonly StoredBatch[] = []

const size = { least: 32 * 1024, most: 256 * 1024, part: 1 / 64 }

/**
 * What was read for queues and not delivered yet. A slow queue among fast ones has its messages far apart: each of its
 * batches then keeps a slab of the log in memory. So all queues together keep no more than a bound, and who read
 * longest ago reads again.
 */
export class ReadAhead {
  bytes = 0
  readonly reads: Reads
  private readonly bytesMax: number
  /** In the order of reading. */
  private readonly lanes = new Map<Lane, number>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
    this.reads = new Reads(bytesMax, size)
  }

  /** How much to read for one lane now. */
  get share(): number {
    return this.reads.share(this.bytes)
  }

  /** The lane holds these batches now, and nothing else; they were read from `from` on. */
  keep(lane: Lane, batches: readonly StoredBatch[], from: number): void {
    this.drop(lane)
    lane.ahead = batches
    lane.aheadFrom = from
    lane.batch = batches[0] ?? null
    const bytes = memoryOf(batches)
    if (bytes === 0) return
    this.lanes.set(lane, bytes)
    this.bytes += bytes
    for (const oldest of this.lanes.keys()) {
      if (this.bytes <= this.bytesMax || oldest === lane) return
      this.drop(oldest)
    }
  }

  drop(lane: Lane): void {
    lane.batch = null
    lane.ahead = none
    const bytes = this.lanes.get(lane)
    if (bytes === undefined) return
    this.lanes.delete(lane)
    this.bytes -= bytes
  }
}

/** The memory that they lie in, each piece once: neighbours in the log mostly share it. */
function memoryOf(batches: readonly StoredBatch[]): number {
  let bytes = 0
  let last: unknown = null
  for (const { bytes: slice } of batches) {
    if (slice.buffer !== last) bytes += slice.buffer.byteLength
    last = slice.buffer
  }
  return bytes
}
