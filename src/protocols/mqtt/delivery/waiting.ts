import type { Peer } from '../../../server/index.ts'
import { parcelBytes } from '../limits.ts'
import type { Form } from './forms.ts'
import type { Source } from './in-flight.ts'
import { Replays, type Pages } from './replays.ts'
import type { Terms } from './terms.ts'

/** One message that waits. */
export interface Parcel {
  form: Form
  terms: Terms
  expiresAt: number | null
  source: Source | undefined
}

/** Where the memory of what waits is accounted for. */
export type Keeper = Pick<Peer, 'room' | 'keeps'>

const placesMin = 1024

/** Messages that wait for a client, first in first out; replays of retained messages before all others. */
export class Waiting {
  private readonly messagesMax: number
  private readonly bytesMax: number
  /** Most clients have none. */
  private replays: Replays | undefined
  private readonly reading: (page: Promise<void>) => void
  /** From `start` on; before it are the places of what was taken out. */
  private queue: (Parcel | undefined)[] = []
  private start = 0
  private bytes = 0
  private readonly keeper: Keeper
  private current: Parcel | undefined

  /** `reading`: a page of retained messages, after which there is more to send. */
  constructor(messagesMax: number, bytesMax: number, keeper: Keeper, reading: (page: Promise<void>) => void) {
    this.keeper = keeper
    this.reading = reading
    this.messagesMax = messagesMax
    this.bytesMax = bytesMax
  }

  get empty(): boolean {
    return this.start === this.queue.length && this.replays === undefined
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

  replay(filter: string, pages: Pages, terms: Terms): void {
    this.replays ??= new Replays({ changed: () => this.count(0), reading: this.reading })
    this.replays.add(filter, pages, terms)
  }

  /** Ends the replays of a filter, also the one that `peek` shows. */
  forget(filter: string): void {
    if (this.replays?.forget(filter) === true) this.current = undefined
    this.endReplays()
  }

  peek(): Parcel | undefined {
    this.endReplays()
    return (this.current ??= this.replays === undefined ? this.queue[this.start] : this.replayed(this.replays))
  }

  /** What comes live waits until all of these are sent. */
  private replayed(replays: Replays): Parcel | undefined {
    const next = replays.next()
    return next === undefined ? undefined : { ...next, source: undefined }
  }

  private endReplays(): void {
    if (this.replays?.empty === true) this.replays = undefined
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
    this.replays?.clear()
    this.replays = undefined
    this.count(-this.bytes)
    this.queue = []
    this.start = 0
    this.current = undefined
    return parcels
  }

  private count(bytes: number): void {
    this.bytes += bytes
    this.keeper.keeps(this.bytes + (this.replays?.bytes ?? 0))
  }
}

const bytesOf = (parcel: Parcel): number => parcelBytes + parcel.form.payload.length
