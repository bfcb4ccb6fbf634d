import { sameBytes } from '../../base/index.ts'
import { RecordTable } from '../../log/index.ts'
import type { StoredExtent } from '../../log/index.ts'
import { decodeExtentMeta, type ExtentMeta } from '../extent-meta.ts'
import type { Address, DeliveredBatch, HistoryEntry, Id, Records } from '../facade/index.ts'

/** Bit 0 of an extent's flags is the log's: foreign. These are the core's. */
export const extentFlag = { foreign: 1, producer: 2, retained: 4, retain: 8, atMostOnce: 16 } as const

let lastEncoded = Buffer.alloc(0)
let lastMeta: ExtentMeta | null = null

/** Neighbours in a queue mostly have the same facts: then they share what these were decoded to. */
function metaOf(encoded: Buffer): ExtentMeta {
  if (lastMeta !== null && sameBytes(encoded, 0, encoded.length, lastEncoded)) return lastMeta
  const meta = decodeExtentMeta(encoded)
  // Of its own: the slice would keep a slab of the log in memory.
  lastEncoded = Buffer.from(encoded)
  lastMeta = meta
  return meta
}

/** A batch as it came out of the store; what nobody asks for is not decoded. */
export class StoredBatch implements DeliveredBatch {
  readonly partition: number
  readonly baseOffset: number
  readonly appendTime: number
  readonly count: number
  readonly bytes: Buffer
  readonly foreign: boolean
  readonly flags: number
  readonly retained: boolean
  rendered: object | null = null
  private readonly encodedMeta: Buffer
  private decodedMeta: ExtentMeta | null = null
  private decodedTable: RecordTable | null = null

  constructor(partition: number, extent: StoredExtent, retained = false) {
    this.partition = partition
    this.baseOffset = extent.baseOffset
    this.appendTime = extent.appendTime
    this.count = extent.count
    this.bytes = extent.batch
    this.flags = extent.flags
    this.foreign = (extent.flags & extentFlag.foreign) !== 0
    this.retained = retained
    this.encodedMeta = extent.meta
  }

  get meta(): ExtentMeta {
    return (this.decodedMeta ??= metaOf(this.encodedMeta))
  }

  get table(): RecordTable {
    return (this.decodedTable ??= new RecordTable(this.bytes))
  }

  get publisher(): Id {
    return this.meta.publisher
  }

  get address(): Address | null {
    return this.meta.address
  }

  get priority(): number {
    return this.meta.priority
  }

  get expiresAt(): number | null {
    return this.meta.expiresAt
  }

  get history(): readonly HistoryEntry[] {
    return this.meta.history
  }

  /** Index of the first record at or after `offset`; `table.count` if there is none. */
  indexOf(offset: number): number {
    const { table } = this
    const delta = offset - this.baseOffset
    if (table.count === this.count) return Math.max(0, Math.min(delta, table.count))
    let low = 0
    let high = table.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (table.offsetDelta(middle) < delta) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A batch that goes to live receivers as it is published; never stored for them. */
export class LiveBatch implements DeliveredBatch {
  readonly partition = 0
  readonly baseOffset = -1
  readonly appendTime: number
  readonly publisher: Id
  readonly address: Address | null
  readonly foreign: boolean
  readonly priority: number
  readonly expiresAt: number | null
  readonly retained = false
  readonly history: readonly HistoryEntry[]
  readonly bytes: Buffer
  readonly table: RecordTable
  rendered: object | null = null

  constructor(
    records: Records,
    table: RecordTable,
    facts: { time: number; publisher: Id; address: Address | null; history: readonly HistoryEntry[] },
  ) {
    this.appendTime = facts.time
    this.publisher = facts.publisher
    this.address = facts.address
    this.history = facts.history
    this.foreign = records.foreign
    this.priority = records.priority ?? 0
    this.expiresAt = records.expiresAt ?? null
    this.bytes = records.batch
    this.table = table
  }

  get count(): number {
    return this.table.count
  }
}
