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
  begun: boolean
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
  private readonly replays: Replay[] = []
  /** Of the first, from the end, so that what was sent is let go of. */
  private page: DeliveredBatch[] = []
  private record = 0
  private loading = false

  constructor(reader: Reader) {
    this.reader = reader
  }

  get empty(): boolean {
    return this.replays.length === 0
  }

  /** A filter that is subscribed to again before its replay began gets one replay, on the newer terms. */
  add(filter: string, pages: Pages, terms: Terms): void {
    const replay = { filter, pages: pages[Symbol.asyncIterator](), terms, begun: false }
    const before = this.replays.findIndex((other) => other.filter === filter && !other.begun)
    if (before >= 0) this.replays[before] = replay
    else {
      this.replays.push(replay)
      this.count(replayBytes)
    }
  }

  /** Undefined: there is none, or it is being read. */
  next(): Replayed | undefined {
    while (this.replays.length > 0) {
      const batch = this.page.at(-1)
      if (batch === undefined) {
        this.turn(this.replays[0]!)
        return undefined
      }
      if (this.record >= batch.table.count) {
        this.page.pop()
        this.record = 0
        this.count(-bytesOf(batch))
        continue
      }
      const form = formOf(batch, this.record++)
      if (form !== undefined) return { form, terms: this.replays[0]!.terms, expiresAt: batch.expiresAt }
    }
    return undefined
  }

  /** To the next page. */
  private turn(replay: Replay): void {
    if (this.loading) return
    this.loading = true
    replay.begun = true
    this.reader.reading(this.load(replay))
  }

  private async load(replay: Replay): Promise<void> {
    const next = await replay.pages.next()
    this.loading = false
    // Nobody waits any more.
    if (this.replays[0] !== replay) return
    if (next.done === true) {
      this.replays.shift()
      this.count(-replayBytes)
      return
    }
    this.page = next.value.toReversed()
    this.count(next.value.reduce((sum, batch) => sum + bytesOf(batch), 0))
  }

  clear(): void {
    this.replays.length = 0
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
