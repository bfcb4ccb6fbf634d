import type { StoredBatch } from '../shard/batches.ts'
import type { Lane } from './leased.ts'

const none: readonly StoredBatch[] = []

const readBytesMin = 32 * 1024
const readBytesMax = 256 * 1024
/** Of what is free, for each read. */
const part = 1 / 64

/**
 * What was read for queues and not delivered yet. A slow queue among fast ones has its messages far apart: each of its
 * batches then keeps a slab of the log in memory. So all queues together keep no more than a bound, and who read
 * longest ago reads again.
 *
 * When very many read at once, each reads less: all of them may, for queues whose messages lie side by side need the
 * same blocks at the same time, and whoever had to wait would read them from the disk once more.
 */
export class ReadAhead {
  bytes = 0
  /** Of reads under way. */
  private coming = 0
  private readonly bytesMax: number
  /** In the order of reading. */
  private readonly lanes = new Map<Lane, number>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** How much to read for one lane now. */
  get share(): number {
    const free = this.bytesMax - this.bytes - this.coming
    return Math.max(readBytesMin, Math.min(readBytesMax, free * part))
  }

  begin(bytes: number): void {
    this.coming += bytes
  }

  end(bytes: number): void {
    this.coming -= bytes
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
