import { idOf, orderOf } from './message.ts'
import { Place, type Message, type PlaceKind } from './places.ts'
import { Violation } from './violation.ts'

/** A record as it stands in a place. */
export interface Found {
  partition: number
  offset: number
  id: string
}

/** What had been promised at some moment: messages, and the ids that stand at `partition@offset` of each place. */
export interface Promised {
  messages: readonly Message[]
  at: ReadonlyMap<string, readonly (readonly [string, string])[]>
}

export interface Range {
  partition: number
  start: number
  end: number
}

/** How a consumer holds what it was given. */
export interface LeaseFacts {
  partition: number
  offset: number
  consumer: number
  attempt: number
  leaseMs: number
}

/**
 * Holds the model of what was promised, and compares it with everything the broker says and shows. It knows messages by
 * id and the places they belong to; of protocols it knows nothing.
 */
export class Auditor {
  readonly counts = {
    sent: 0,
    acked: 0,
    refused: 0,
    read: 0,
    delivered: 0,
    settled: 0,
    deadLettered: 0,
    positions: 0,
    deletedPlaces: 0,
  }
  private readonly messages = new Map<string, Message>()
  private readonly places = new Map<string, Place>()
  private readonly positions = new Map<string, { acked: number; tried: number }>()
  /** Messages whose stored bytes were damaged. */
  private readonly rotten = new Set<string>()
  /** One of them is missing somewhere. */
  missesRotten = false
  private readonly now: () => number

  /** `now`: monotonic, ms. */
  constructor(now: () => number) {
    this.now = now
  }

  addPlace(name: string, kind: PlaceKind): void {
    this.places.set(name, new Place(name, kind))
  }

  /** With all that was in it: none of it may be seen again. */
  deleted(name: string): void {
    this.places.delete(name)
    this.counts.deletedPlaces++
  }

  private place(name: string): Place {
    return this.places.get(name)!
  }

  /** A new life of the broker: leases belong to sessions, and none of them has outlived it. */
  newLife(): void {
    for (const { leases, attempts } of this.places.values()) {
      leases.clear()
      attempts.clear()
    }
  }

  // -- damage
  /** A bit has flipped in what is stored of these: they may be missing, and no others. */
  rots(ids: readonly string[]): void {
    for (const id of ids) this.rotten.add(id)
  }

  get anyRotten(): boolean {
    return this.rotten.size > 0
  }

  private excused(id: string): boolean {
    if (!this.rotten.has(id)) return false
    this.missesRotten = true
    return true
  }

  /** A reader was given nothing from `from` to before `below`. */
  skips(name: string, partition: number, from: number, below: number): void {
    if (below - from > this.rotten.size) throw new Violation(`${name}: ${below} comes after ${from - 1}`)
    for (let offset = from; offset < below; offset++) {
      const id = this.place(name).at.get(`${partition}@${offset}`)
      if (id !== undefined && !this.excused(id)) throw new Violation(`${name}: ${id} at ${offset} was passed over`)
    }
  }

  // -- publishing

  sends(id: string, places: readonly string[], maybe: readonly string[] = []): void {
    this.messages.set(id, { id, places, maybe, sends: 1, state: 'sent' })
    this.counts.sent++
  }

  /** Once more, and nothing tells the two apart. */
  sendsAgain(id: string): void {
    this.messages.get(id)!.sends++
  }

  /** It is in all its places from now on. `at`: the offset that the answer gave. */
  acked(id: string, at?: { place: string; partition: number; offset: number }): void {
    this.messages.get(id)!.state = 'acked'
    this.counts.acked++
    if (at !== undefined) this.stands(this.place(at.place), at.partition, at.offset, id)
  }

  /** Said to be taken nowhere, before anything happened. */
  refused(id: string): void {
    const message = this.messages.get(id)!
    if (message.state === 'sent' && message.sends === 1) message.state = 'refused'
    this.counts.refused++
  }

  private stands(place: Place, partition: number, offset: number, id: string): void {
    const key = `${partition}@${offset}`
    const before = place.at.get(key)
    if (before !== undefined && before !== id) throw new Violation(`${place.name} ${key}: ${before}, and now ${id}`)
    place.at.set(key, id)
  }

  // -- reading

  /** A reader was given this record. Returns its id. */
  reads(name: string, partition: number, offset: number, payload: Buffer): string {
    const place = this.place(name)
    const id = this.expected(place, payload)
    this.stands(place, partition, offset, id)
    this.counts.read++
    return id
  }

  private expected(place: Place, payload: Buffer): string {
    const id = idOf(payload, place.name)
    const message = this.messages.get(id)
    if (message === undefined) throw new Violation(`${place.name}: ${id} was never sent`)
    const origin = place.name === deadPlace ? exhaustingPlace : place.name
    if (!message.places.includes(origin) && !message.maybe.includes(origin))
      throw new Violation(`${place.name}: ${id} does not belong here`)
    if (message.state === 'refused') throw new Violation(`${place.name}: ${id} was refused, and is here`)
    return id
  }

  /** What is acknowledged by now; for `whole`, whose reading takes a while. */
  promised(): Promised {
    const messages = [...this.messages.values()].filter((message) => message.state === 'acked')
    const at = new Map([...this.places.values()].map((place) => [place.name, [...place.at]]))
    return { messages, at }
  }

  /**
   * All of these places were read, as they were at one moment, from the beginning to the end. What was promised before
   * is there, in order and not too often; and a message is in all of its places, or in none.
   */
  whole(read: ReadonlyMap<string, { ranges: readonly Range[]; found: readonly Found[] }>, promised: Promised) {
    const present = new Map<string, Map<string, number>>()
    for (const [name, { ranges, found }] of read) {
      const place = this.place(name)
      const copies = new Map<string, number>()
      for (const { id } of found) copies.set(id, (copies.get(id) ?? 0) + 1)
      present.set(name, copies)
      this.checkOffsets(place, promised.at.get(name)!, ranges)
      this.checkCopies(place, copies)
      this.checkOrder(place, found)
    }
    const has = (message: Message, name: string): boolean =>
      present.get(name)?.has(message.id) !== false ||
      this.place(name).settling.has(message.id) ||
      this.expires(this.place(name), message.id) ||
      this.excused(message.id)
    for (const message of promised.messages) {
      const missing = message.places.find((name) => present.has(name) && !has(message, name))
      if (missing !== undefined) throw new Violation(`${missing}: acknowledged ${message.id} is lost`)
    }
    for (const [name, copies] of present) {
      for (const id of copies.keys()) {
        const message = this.messages.get(id)!
        const missing = message.places.find((other) => present.has(other) && !has(message, other))
        if (missing !== undefined && name !== deadPlace)
          throw new Violation(`${id} is in ${name} and not in ${missing}`)
      }
    }
  }

  private checkOffsets(place: Place, at: readonly (readonly [string, string])[], ranges: readonly Range[]): void {
    for (const [key, id] of at) {
      const [partition, offset] = key.split('@').map(Number) as [number, number]
      const range = ranges.find((one) => one.partition === partition)
      if (range === undefined || offset >= range.end) throw new Violation(`${place.name} ${key}: ${id} is cut off`)
      if (offset < range.start && !place.settling.has(id) && !this.expires(place, id)) {
        throw new Violation(`${place.name} ${key}: ${id} was removed and never settled`)
      }
    }
  }

  /** Rejected by the broker itself, after too many attempts. */
  private expires(place: Place, id: string): boolean {
    return place.name === exhaustingPlace && (place.delivered.get(id) ?? 0) > 0
  }

  private checkCopies(place: Place, copies: ReadonlyMap<string, number>): void {
    for (const [id, count] of copies) {
      const { sends } = this.messages.get(id)!
      if (count > sends) throw new Violation(`${place.name}: ${id} is there ${count} times, sent ${sends} times`)
    }
  }

  private checkOrder(place: Place, found: readonly Found[]): void {
    if (place.name === deadPlace) return
    const last = new Map<string, number>()
    for (const { partition, id } of found) {
      if (this.messages.get(id)!.sends > 1) continue
      const { publisher, number } = orderOf(id)
      const key = `${partition} ${publisher}`
      const before = last.get(key) ?? -1
      if (number <= before) throw new Violation(`${place.name}: ${id} comes after ${publisher}:${before}`)
      last.set(key, number)
    }
  }

  // -- delivery

  /** A consumer was given this record. Returns its id. `redelivered` false: as one that nobody was given before. */
  delivers(name: string, payload: Buffer, lease?: LeaseFacts, redelivered = true): string {
    const place = this.place(name)
    const id = this.expected(place, payload)
    if (!redelivered && place.told.has(id) && this.messages.get(id)!.sends === 1) {
      throw new Violation(`${name}: ${id} is delivered as if for the first time`)
    }
    const times = place.delivered.get(id) ?? 0
    place.delivered.set(id, times + 1)
    this.counts.delivered++
    if ((place.settled.get(id) ?? 0) >= this.messages.get(id)!.sends) {
      throw new Violation(`${name}: ${id} was delivered after its settling was durable`)
    }
    if (lease !== undefined) this.leases(place, id, lease)
    return id
  }

  private leases(place: Place, id: string, lease: LeaseFacts): void {
    const { partition, offset, attempt, consumer } = lease
    const key = `${partition}@${offset}`
    this.stands(place, partition, offset, id)
    const before = Math.max(place.attempts.get(key) ?? 0, place.recorded.get(key) ?? 0)
    if (attempt <= before) throw new Violation(`${place.name} ${key}: attempt ${attempt} of ${id} after ${before}`)
    if (place.name === exhaustingPlace && attempt > attemptsMax) {
      throw new Violation(`${place.name} ${key}: attempt ${attempt} of ${id}, there are ${attemptsMax}`)
    }
    place.attempts.set(key, attempt)
    const held = place.leases.get(key)
    if (held !== undefined && held.until > this.now()) {
      throw new Violation(`${place.name} ${key}: ${id} went to ${consumer} while ${held.consumer} holds it`)
    }
    place.leases.set(key, { consumer, attempt, until: this.now() + lease.leaseMs })
  }

  /** These deliveries are known to be durable: no crash makes their attempts be counted again. */
  recorded(name: string, deliveries: readonly { partition: number; offset: number; attempt: number }[]): void {
    const { recorded } = this.place(name)
    for (const { partition, offset, attempt } of deliveries) {
      const key = `${partition}@${offset}`
      recorded.set(key, Math.max(attempt, recorded.get(key) ?? 0))
    }
  }

  /** The same, of a consumer that is told no offsets. */
  told(name: string, ids: readonly string[]): void {
    for (const id of ids) this.place(name).told.add(id)
  }

  /** Whether a verdict for this attempt still counts. Verbs act when they are called: the answer is known before. */
  isNewest(name: string, partition: number, offset: number, attempt: number): boolean {
    return this.place(name).attempts.get(`${partition}@${offset}`) === attempt
  }

  /** The holder has given it back, or is gone. */
  releases(name: string, partition: number, offset: number, attempt: number): void {
    const { leases } = this.place(name)
    const key = `${partition}@${offset}`
    if (leases.get(key)?.attempt === attempt) leases.delete(key)
  }

  /** A consumer has gone, with all that it held. */
  goes(name: string, consumer: number): void {
    const { leases } = this.place(name)
    for (const [key, lease] of leases) if (lease.consumer === consumer) leases.delete(key)
  }

  settling(name: string, id: string, verdict: 'done' | 'reject'): void {
    this.place(name).settling.add(id)
    if (verdict === 'reject') this.place(name).rejecting.add(id)
  }

  /** All that is ready here is about to be removed. Returns what must be gone when that is answered. */
  clears(name: string): string[] {
    const place = this.place(name)
    const all = [...this.messages.values()].filter(({ places }) => places.includes(name))
    for (const { id } of all) place.settling.add(id)
    const isReady = (id: string): boolean => !place.delivered.has(id) && !place.settled.has(id)
    return all.filter(({ id, state }) => state === 'acked' && isReady(id)).map(({ id }) => id)
  }

  /** The settling is known to be durable. */
  settled(name: string, id: string, verdict: 'done' | 'reject'): void {
    const place = this.place(name)
    place.settled.set(id, (place.settled.get(id) ?? 0) + 1)
    if (verdict === 'reject') place.rejected.add(id)
    this.counts.settled++
  }

  /** At the end: everything that was left was taken, in this order, and nothing more is there. */
  drained(name: string, left: readonly Found[], dead: readonly { id: string }[]): void {
    const place = this.place(name)
    const copies = new Map<string, number>()
    for (const { id } of [...left, ...(name === exhaustingPlace ? dead : [])]) {
      copies.set(id, (copies.get(id) ?? 0) + 1)
    }
    this.checkCopies(place, copies)
    for (const message of this.messages.values()) {
      const { id, sends } = message
      if (!message.places.includes(name)) continue
      const there = copies.get(id) ?? 0
      const done = place.settled.get(id) ?? 0
      if (message.state === 'acked' && there === 0 && !place.settling.has(id) && !this.excused(id)) {
        throw new Violation(`${name}: ${id} is neither settled nor there to be delivered`)
      }
      if (name !== exhaustingPlace && there + done > sends) throw new Violation(`${name}: settled ${id} is there again`)
    }
  }

  /** Dead letters are there because somebody rejected them, or because of too many attempts: exactly once. */
  deadLetters(found: readonly { id: string; reasons: readonly string[] }[]): void {
    const place = this.place(exhaustingPlace)
    const dead = new Set(found.map((one) => one.id))
    if (dead.size < found.length) throw new Violation('a message is twice among the dead')
    for (const { id, reasons } of found) {
      this.counts.deadLettered++
      const [reason] = reasons
      if (reasons.length !== 1 || (reason !== 'rejected' && reason !== 'exhausted'))
        throw new Violation(`${id} is dead for these reasons: ${reasons.join(' ')}`)
      if (reason === 'rejected' && !place.rejecting.has(id))
        throw new Violation(`${id} is dead, and nobody rejected it`)
      if (reason === 'exhausted' && (place.delivered.get(id) ?? 0) < attemptsMax)
        throw new Violation(`${id} is dead after ${place.delivered.get(id) ?? 0} attempts`)
      if (reason === 'exhausted' && place.rejected.has(id)) throw new Violation(`${id} was rejected, and is exhausted`)
      if ((place.settled.get(id) ?? 0) > 0 && !place.rejected.has(id)) throw new Violation(`${id} is done, and dead`)
    }
    for (const id of place.rejected) {
      if (!dead.has(id) && !this.excused(id)) throw new Violation(`rejected ${id} is not among the dead`)
    }
  }

  /** Something that a subscriber was promised and has not been told yet. */
  untold(name: string): string | undefined {
    const { delivered } = this.place(name)
    for (const { id, state, places } of this.messages.values()) {
      if (state === 'acked' && places.includes(name) && !delivered.has(id) && !this.excused(id)) return id
    }
    return undefined
  }

  // -- positions

  advances(name: string, offset: number): void {
    const position = this.positions.get(name) ?? { acked: -1, tried: -1 }
    this.positions.set(name, { ...position, tried: Math.max(position.tried, offset) })
  }

  advanced(name: string, offset: number): void {
    const position = this.positions.get(name)!
    this.positions.set(name, { ...position, acked: Math.max(position.acked, offset) })
  }

  /** The broker says that a group is here; -1: it says that there is no such position. */
  position(name: string, offset: number): void {
    const { acked, tried } = this.positions.get(name) ?? { acked: -1, tried: -1 }
    this.counts.positions++
    if (offset < acked) throw new Violation(`${name}: the position ${offset} is behind the acknowledged ${acked}`)
    if (offset > tried) throw new Violation(`${name}: the position ${offset} was never committed`)
  }
}

/** Where rejected and exhausted messages go, and where they come from. */
export const deadPlace = 'dead'
export const exhaustingPlace = 'work'
export const attemptsMax = 4
