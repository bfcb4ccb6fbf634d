import { failed, type Outcome, type SlabLease, type SlabPool } from '../../base/index.ts'
import type { Broker, Id, ReadPart, ReadResult } from '../../core/index.ts'
import type { Timer, Timers } from '../../world/index.ts'

/** What was read and not asked for is given up after that. */
const keptMs = 2000
/** When less than half of what was read ahead is asked for, so many answers go out without. */
const restAnswers = 32

/** What reading ahead needs of its connection. */
export interface AheadHost {
  broker: Broker
  timers: Timers
  pool: SlabPool
  /** How many more bytes may be kept for this client. */
  room(): number
  /** So many bytes are kept for it. */
  keeps(bytes: number): void
}

interface Reading {
  memory: SlabLease
  /** By partition and offset; what could not be read is not there. */
  results: Promise<Map<string, ReadResult>>
  bytes: number
}

const keyOf = ({ log, partition, offset }: ReadPart): string => `${log}/${partition}/${offset}`
const bytesOf = ({ batches }: ReadResult): number => batches.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** Nothing, where there is some, means that others came first: it goes on with the next answer. */
const isOfUse = ({ offset }: ReadPart, { batches, end }: ReadResult): boolean => batches.length > 0 || offset < end

/** It may want less than last time; one batch is never too much. */
const isTooMuch = (result: ReadResult, bytesMax: number): boolean =>
  result.batches.length > 1 && bytesOf(result) - result.batches.at(-1)!.bytes.length >= bytesMax

/**
 * Reads for one consumer what it will ask for next, while it is busy with what it got. Kafka's own consumer asks only
 * when it has used up all it had (since 4.0), so that its answers' reads would all be waiting; others ask for single
 * partitions as they run low, and what was read for them may be of no use: that is noticed.
 */
export class FetchAhead {
  private readonly host: AheadHost
  private reading: Reading | null = null
  private timer: Timer | null = null
  private rest = 0

  constructor(host: AheadHost) {
    this.host = host
  }

  /**
   * After an answer that came from the disk. `next`: the parts as they will be asked for, those that got nothing first.
   */
  begin(session: Id, next: readonly ReadPart[], bytes: number): void {
    if (this.reading !== null) return
    if (this.rest > 0) {
      this.rest--
      return
    }
    const { broker, timers, pool, room, keeps } = this.host
    const bytesMax = Math.min(bytes, room() / 2)
    if (next.length === 0 || bytesMax < bytes / 2) return
    const memory = pool.lease()
    const read = broker.read(next, { session, bytesMin: 0, bytesMax, waitMs: 0, memory })
    const byKey = new Map<string, ReadResult>()
    const collect = (found: readonly Outcome<ReadResult>[]): void => {
      for (const [i, result] of found.entries()) {
        if (!failed(result) && isOfUse(next[i]!, result.ok)) byKey.set(keyOf(next[i]!), result.ok)
      }
    }
    // An error is met again, and told, when the client asks.
    const results = read.then(collect, () => undefined).then(() => byKey)
    this.reading = { memory, results, bytes: bytesMax }
    keeps(bytesMax)
    this.timer = timers.after(keptMs, () => this.drop())
  }

  /**
   * What there is of these parts, none when that is no bytes, with the memory that it lies in: to be cleared when it was
   * sent. Null: nothing was read ahead.
   */
  async take(parts: readonly ReadPart[]): Promise<{ found: (ReadResult | undefined)[]; memory: SlabLease } | null> {
    const { reading } = this
    if (reading === null) return null
    this.reading = null
    this.timer?.cancel()
    try {
      const results = await reading.results
      const found = this.fresh(parts, results)
      const used = found.reduce((sum, result) => sum + (result === undefined ? 0 : bytesOf(result)), 0)
      const all = [...results.values()].reduce((sum, result) => sum + bytesOf(result), 0)
      if (used * 2 < all) this.rest = restAnswers
      // Those that others came before come first themselves where these are not asked for.
      return { found: used > 0 ? found : parts.map(() => undefined), memory: reading.memory }
    } finally {
      // The next may have been begun meanwhile.
      this.host.keeps(this.bytesKept)
    }
  }

  private get bytesKept(): number {
    return this.reading?.bytes ?? 0
  }

  /** Meanwhile the log may have grown, or records may have been deleted. */
  private fresh(parts: readonly ReadPart[], results: ReadonlyMap<string, ReadResult>): (ReadResult | undefined)[] {
    return parts.map((part) => {
      const result = results.get(keyOf(part))
      if (result === undefined || isTooMuch(result, part.bytesMax)) return undefined
      const now = this.host.broker.boundsOf(part.log, part.partition)
      if (now === undefined || part.offset < now.start) return undefined
      return { batches: result.batches, start: now.start, end: now.end }
    })
  }

  /** Nobody comes for it, or it may not hold any more. */
  drop(): void {
    const { reading } = this
    if (reading === null) return
    this.reading = null
    this.timer?.cancel()
    this.rest = restAnswers
    void reading.results.then(() => reading.memory.clear())
    this.host.keeps(0)
  }

  /** The connection is over. */
  end(): void {
    this.timer?.cancel()
    this.reading = null
  }
}
