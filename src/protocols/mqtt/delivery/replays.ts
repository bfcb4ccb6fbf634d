import type { DeliveredBatch } from '../../../core/index.ts'
import { parcelBytes, replayBytes } from '../limits.ts'
import { formOf, type Form } from './forms.ts'
import type { Terms } from './terms.ts'

/** Retained messages for one subscription, some at a time. */
export type Pages = AsyncIterable<readonly DeliveredBatch[]>

/** One retained message. */
export interface Replayed {
  form: Form
  terms: Terms
  expiresAt: number | null
}

interface Replay {
  /** Of the subscription: its filter, as the client wrote it. */
  filter: string
  pages: AsyncIterator<readonly DeliveredBatch[]>
  terms: Terms
}

/** What the replays need of the client. */
export interface Reader {
  /** The bytes that are held have changed. */
  changed(): void
  /** Something is being read; once it is there, `next` has more. */
  reading(page: Promise<void>): void
}

/**
 * The retained messages that a client was promised by its subscriptions: one after the other, and of all of them one page
 * is in memory, since a filter may match any number and the client takes its time.
 */
export class Replays {
  bytes = 0
  private readonly reader: Reader
  /** Those that have not begun, by filter. */
  private readonly promised = new Map<string, Replay>()
  private begun: Replay | undefined
  /** Of the one that has begun, from the end, so that what was sent is let go of. */
  private page: DeliveredBatch[] = []
  private record = 0
  private loading = false

  constructor(reader: Reader) {
    this.reader = reader
  }

  get empty(): boolean {
    return this.begun === undefined && this.promised.size === 0
  }

  /** A filter that is subscribed to again before its replay began gets one replay, on the newer terms. */
  add(filter: string, pages: Pages, terms: Terms): void {
    const replay = { filter, pages: pages[Symbol.asyncIterator](), terms }
    if (!this.promised.has(filter)) this.count(bytesOfReplay(replay))
    this.promised.set(filter, replay)
  }

  /** UNSUBSCRIBE: what was not sent is not wanted any more. True: that was the one that had begun. */
  forget(filter: string): boolean {
    const replay = this.promised.get(filter)
    if (replay !== undefined) {
      this.promised.delete(filter)
      this.count(-bytesOfReplay(replay))
    }
    if (this.begun?.filter !== filter) return false
    this.end(this.begun)
    return true
  }

  /** Undefined: there is none, or it is being read. */
  next(): Replayed | undefined {
    for (;;) {
      const replay = (this.begun ??= this.begin())
      if (replay === undefined) return undefined
      const batch = this.page.at(-1)
      if (batch === undefined) {
        this.turn(replay)
        return undefined
      }
      if (this.record >= batch.table.count) {
        this.page.pop()
        this.record = 0
        this.count(-bytesOf(batch))
        continue
      }
      const form = formOf(batch, this.record++)
      if (form !== undefined) return { form, terms: replay.terms, expiresAt: batch.expiresAt }
    }
  }

  private begin(): Replay | undefined {
    const [first] = this.promised.values()
    if (first !== undefined) this.promised.delete(first.filter)
    return first
  }

  /** To the next page. */
  private turn(replay: Replay): void {
    if (this.loading) return
    this.loading = true
    this.reader.reading(this.load(replay))
  }

  private async load(replay: Replay): Promise<void> {
    const next = await replay.pages.next()
    this.loading = false
    // Nobody waits for it any more.
    if (this.begun !== replay) return
    if (next.done === true) return this.end(replay)
    this.page = next.value.toReversed()
    this.count(bytesOfAll(this.page))
  }

  private end(replay: Replay): void {
    this.count(-bytesOfReplay(replay) - bytesOfAll(this.page))
    this.begun = undefined
    this.page = []
    this.record = 0
  }

  clear(): void {
    this.promised.clear()
    this.begun = undefined
    this.page = []
    this.record = 0
    this.bytes = 0
  }

  private count(bytes: number): void {
    this.bytes += bytes
    this.reader.changed()
  }
}

const bytesOf = (batch: DeliveredBatch): number => parcelBytes + batch.bytes.length
const bytesOfAll = (batches: readonly DeliveredBatch[]): number => batches.reduce((sum, each) => sum + bytesOf(each), 0)
/** The filter is there as text and as a pattern. */
const bytesOfReplay = ({ filter }: Replay): number => replayBytes + 2 * filter.length
