import { BatchBuilder, batchHeader, RecordTable } from '../../log/index.ts'
import type { Payload } from '../../log/index.ts'
import { encodeExtentMeta } from '../extent-meta.ts'
import type { Address, HistoryEntry, Id, Records } from '../facade/index.ts'
import { extentFlag, LiveBatch } from '../shard/batches.ts'
import type { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** What goes with every copy of one publication. */
export interface Origin {
  publisher: Id
  address: Address | null
  history: readonly HistoryEntry[]
  hops: number
  messageId: string | null
}

export const noHistory: readonly HistoryEntry[] = []
const noOthers: readonly Address[] = []

/** A batch as it goes into a commit: staged once, however many extents name it. */
interface Staged {
  batch: Buffer
  count: number
  payload: Payload | null
}

const builder = new BatchBuilder()

/** The records of pairs (first, count) as a batch of their own. */
function cutBatch(table: RecordTable, runs: readonly number[]): Buffer {
  for (let r = 0; r < runs.length; r += 2) {
    for (let i = runs[r]!, end = i + runs[r + 1]!; i < end; i++) builder.copy(table, i)
  }
  return builder.finish()
}

/** Makes the copies of one publication: stored ones share one payload, live ones one table. */
export class Copier {
  readonly records: Records
  readonly origin: Origin
  private readonly shard: Shard
  private readonly whole: Staged
  private cuts: Map<readonly number[], Staged> | null = null
  private decoded: RecordTable | null = null
  private live: LiveBatch | null = null

  constructor(shard: Shard, records: Records, origin: Origin) {
    this.shard = shard
    this.records = records
    this.origin = origin
    this.whole = { batch: records.batch, count: batchHeader.lastOffsetDelta(records.batch) + 1, payload: null }
  }

  /** Of some records of a batch, as if they were all. */
  static cut(shard: Shard, records: Records, table: RecordTable, runs: readonly number[], origin: Origin): Copier {
    if (runs.length === 2 && runs[0] === 0 && runs[1] === table.count) return new Copier(shard, records, origin)
    return new Copier(shard, { ...records, batch: cutBatch(table, runs) }, origin)
  }

  /** Offsets that the batch covers. */
  get count(): number {
    return this.whole.count
  }

  get table(): RecordTable {
    return (this.decoded ??= new RecordTable(this.records.batch))
  }

  /** `runs` null: all of it. Returns the base offset. */
  append(partition: Partition, runs: readonly number[] | null, routes: readonly Id[], producer = false): number {
    const staged = runs === null ? this.whole : this.cut(runs)
    staged.payload ??= this.shard.stage.payload(staged.batch)
    const { expiresAt, notBefore, priority } = this.records
    const { publisher, address, history, hops, messageId } = this.origin
    const meta = encodeExtentMeta({
      publisher,
      address,
      others: noOthers,
      routes,
      expiresAt: expiresAt ?? null,
      notBefore: notBefore ?? null,
      priority: priority ?? 0,
      history,
      hops,
      messageId,
    })
    const flags = (this.records.foreign ? extentFlag.foreign : 0) | (producer ? extentFlag.producer : 0)
    const maxTimestamp = Math.max(0, batchHeader.maxTimestamp(staged.batch))
    const bytes = partition.countsValues ? this.valueBytes(runs) : staged.payload.bytes
    return this.shard.stage.extent(partition, { count: staged.count, maxTimestamp, flags, meta }, staged.payload, bytes)
  }

  private valueBytes(runs: readonly number[] | null): number {
    const all = runs ?? [0, this.table.count]
    let bytes = 0
    for (let r = 0; r < all.length; r += 2) {
      for (let i = all[r]!, end = i + all[r + 1]!; i < end; i++) bytes += this.table.valueBytes(i)
    }
    return bytes
  }

  /** Throws `MalformedError` if the records are not what the batch says: to be known before anything is stored. */
  check(): void {
    this.decoded ??= new RecordTable(this.records.batch)
  }

  private cut(runs: readonly number[]): Staged {
    this.cuts ??= new Map()
    let staged = this.cuts.get(runs)
    if (staged === undefined) {
      const batch = cutBatch(this.table, runs)
      staged = { batch, count: batchHeader.recordCount(batch), payload: null }
      this.cuts.set(runs, staged)
    }
    return staged
  }

  /** One for all live receivers. Its bytes are the publisher's, so it has a copy of its own if anybody keeps it. */
  get liveBatch(): LiveBatch {
    if (this.live === null) {
      const { publisher, address, history } = this.origin
      this.live = new LiveBatch(this.records, this.table, { time: this.shard.now, publisher, address, history })
    }
    return this.live
  }
}
