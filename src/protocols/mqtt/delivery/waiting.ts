import type { DeliveredBatch } from '../../../core/index.ts'
import type { Peer } from '../../../server/index.ts'
import { parcelBytes } from '../limits.ts'
import { formOf, type Form } from './forms.ts'
import type { Source } from './in-flight.ts'
import type { Terms } from './terms.ts'

/** One message that waits. */
export interface Parcel {
  form: Form
  terms: Terms
  expiresAt: number | null
  source: Source | undefined
}

interface Replay {
  /** From the end, so that what was sent is let go of. */
  batches: DeliveredBatch[]
  terms: Terms
  record: number
}

/** Where the memory of what waits is accounted for. */
export type Keeper = Pick<Peer, 'room' | 'keeps'>

const placesMin = 1024

/** Messages that wait for a client, first in first out; replays of retained messages before all others. */
export class Waiting {
  private readonly messagesMax: number
  private readonly bytesMax: number
  private readonly replays: Replay[] = []
  /** From `start` on; before it are the places of what was taken out. */
  private queue: (Parcel | undefined)[] = []
  private start = 0
  private bytes = 0
  /** What is replayed is bounded by nothing here, but it is memory all the same: the others get less. */
  private replayBytes = 0
  private readonly keeper: Keeper
  private current: Parcel | undefined

  constructor(messagesMax: number, bytesMax: number, keeper: Keeper) {
    this.keeper = keeper
    this.messagesMax = messagesMax
    this.bytesMax = bytesMax
  }

  get empty(): boolean {
    return this.start === this.queue.length && this.replays.length === 0
  }

  /** False: there is no room. What is bounded elsewhere always has room. */
  add(parcel: Parcel, bounded: boolean): boolean {
    const waiting = this.queue.length - this.start
    const full = waiting >= this.messagesMax || this.bytes >= this.bytesMax || this.keeper.room <= 0
    if (full && !bounded) return false
    this.queue.push(parcel)
    this.count(bytesOf(parcel))
    return true
  }

  replay(batches: readonly DeliveredBatch[], terms: Terms): void {
    if (batches.length === 0) return
    this.replays.push({ batches: batches.toReversed(), terms, record: 0 })
    this.countReplayed(batches.reduce((sum, batch) => sum + replayedBytes(batch), 0))
  }

  peek(): Parcel | undefined {
    return (this.current ??= this.nextReplayed() ?? this.queue[this.start])
  }

  /** Removes what `peek` showed. */
  shift(): void {
    const parcel = this.current
    this.current = undefined
    if (parcel === undefined || parcel !== this.queue[this.start]) return
    this.count(-bytesOf(parcel))
    this.queue[this.start++] = undefined // a long queue moves up late, and would keep the message until then
    if (this.start === this.queue.length) {
      this.queue.length = this.start = 0
    } else if (this.start >= placesMin && this.start * 2 >= this.queue.length) {
      // Only when half of the places are empty, so that each message is moved about once however many wait.
      this.queue = this.queue.slice(this.start)
      this.start = 0
    }
  }

  private nextReplayed(): Parcel | undefined {
    for (let replay = this.replays[0]; replay !== undefined; replay = this.replays[0]) {
      const batch = replay.batches.at(-1)
      if (batch === undefined) {
        this.replays.shift()
      } else if (replay.record >= batch.table.count) {
        replay.batches.pop()
        replay.record = 0
        this.countReplayed(-replayedBytes(batch))
      } else {
        const form = formOf(batch, replay.record++)
        if (form === undefined) continue
        return { form, terms: replay.terms, expiresAt: batch.expiresAt, source: undefined }
      }
    }
    return undefined
  }

  /** Takes out those of the queue that are meant. */
  take(meant: (parcel: Parcel) => boolean): readonly Parcel[] {
    const all = this.queue.slice(this.start) as Parcel[]
    const taken = all.filter(meant)
    if (taken.length === 0) return taken
    if (this.current !== undefined && this.current === this.queue[this.start]) this.current = undefined
    this.queue = all.filter((parcel) => !meant(parcel))
    this.start = 0
    for (const parcel of taken) this.count(-bytesOf(parcel))
    return taken
  }

  /** Nobody waits any more; returns what did. */
  clear(): readonly Parcel[] {
    const parcels = this.queue.slice(this.start) as Parcel[]
    this.replayBytes = 0
    this.count(-this.bytes)
    this.queue = []
    this.start = 0
    this.replays.length = 0
    this.current = undefined
    return parcels
  }

  private count(bytes: number): void {
    this.bytes += bytes
    this.keeper.keeps(this.bytes + this.replayBytes)
  }

  private countReplayed(bytes: number): void {
    this.replayBytes += bytes
    this.count(0)
  }
}

const replayedBytes = (batch: DeliveredBatch): number => parcelBytes + batch.bytes.length
const bytesOf = (parcel: Parcel): number => parcelBytes + parcel.form.payload.length
