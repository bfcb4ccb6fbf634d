import { assert } from '../../../base/index.ts'
import type { Id } from '../../facade/index.ts'
import type { OffsetState } from '../lease-queue.ts'

interface Item {
  state: Exclude<OffsetState, 'settled'>
  /** Deliveries so far. */
  count: number
  consumer: Id
  /** End of the lease or of the delay, ms. */
  until: number
  key: string | null
}

/** The naive model of `LeaseQueue`: one object an offset, every question answered by looking at all of them. */
export class NaiveQueue {
  /** Wait before attempt 2, 3, …; the last one repeats; empty = none. */
  backOffMs: readonly number[] = []
  floor: number
  frontier: number
  end: number
  private readonly lookAheadMax: number
  private items = new Map<number, Item>()
  private readonly highest = new Map<string, number>()

  /** `start`: the first offset it wants; `end`: what is visible now. */
  constructor(start: number, end = start, lookAheadMax = 20_000) {
    this.floor = this.frontier = start
    this.end = end
    this.lookAheadMax = lookAheadMax
  }

  // -- counts
  get ready(): number {
    return this.end - this.frontier + this.counted('ready')
  }
  get leased(): number {
    return this.counted('leased')
  }
  /** Waiting for their time, or for their key. */
  get delayed(): number {
    return this.counted('delayed') + this.counted('blocked')
  }
  get parked(): number {
    return this.counted('parked')
  }

  private counted(state: OffsetState): number {
    let n = 0
    for (const item of this.items.values()) if (item.state === state) n++
    return n
  }

  // -- records appear and go
  extend(end: number): void {
    assert(end >= this.end, 'the end of a partition goes back')
    this.end = end
  }

  /** The log has dropped everything below `start`. Returns how many had not been settled. */
  trim(start: number): number {
    const before = this.floor
    const lost = this.settleRange(before, Math.min(start, this.end) - 1)
    this.floor = Math.max(this.floor, start)
    this.frontier = Math.max(this.frontier, start)
    this.end = Math.max(this.end, start)
    return lost
  }

  /** All that is ready is settled. */
  purge(): number {
    const records = this.ready
    this.look(this.end)
    for (const [offset, item] of this.items) {
      if (item.state === 'ready') this.items.delete(offset)
    }
    this.advance()
    return records
  }

  /** Starts anew at `offset`: everything from there on is ready, as if never delivered, all below is settled. */
  seek(offset: number): void {
    this.highest.clear()
    this.items.clear()
    this.floor = this.frontier = offset
    this.end = Math.max(this.end, offset)
  }

  // -- finding
  state(offset: number): OffsetState {
    return offset >= this.end || offset < this.floor
      ? 'settled'
      : offset >= this.frontier
        ? 'ready'
        : (this.items.get(offset)?.state ?? 'settled')
  }

  /** The lowest ready offset at or after `from`, or -1. */
  next(from = this.floor): number {
    for (let offset = Math.max(from, this.floor); offset < this.end; offset++) {
      if (offset >= this.frontier) return this.counted('blocked') >= this.lookAheadMax ? -1 : offset
      if (this.state(offset) === 'ready') return offset
    }
    return -1
  }

  /** How many offsets from the ready `first` on are ready and would get the same attempt; at most `max`. */
  run(first: number, max: number): number {
    const attempt = this.attempt(first)
    let n = 0
    while (n < max && this.state(first + n) === 'ready' && this.attempt(first + n) === attempt) n++
    return n
  }

  /** Of its lease, or which the next lease gets: 1 = never delivered before. */
  attempt(offset: number): number {
    const item = this.items.get(offset)
    return item === undefined ? 1 : item.state === 'leased' ? item.count : item.count + 1
  }

  // -- leasing
  /** `[first, first + count)` are ready, with one attempt. `leaseMs` may be Infinity. `bytes`: of all of them. */
  lease(first: number, count: number, consumer: Id, leaseMs: number, now: number): void {
    this.look(first + count)
    for (let i = 0; i < count; i++) {
      const item = this.items.get(first + i)
      assert(item?.state === 'ready', 'only what is ready can be leased')
      item.state = 'leased'
      item.count++
      item.consumer = consumer
      item.until = now + leaseMs
    }
  }

  /**
   * With key order: leases one record unless its key is in flight at another consumer, or a released record of the key
   * waits to come first. False: it is blocked now and will be ready again by itself.
   */
  leaseKeyed(offset: number, key: string, consumer: Id, leaseMs: number, now: number): boolean {
    this.look(offset + 1)
    const mine = this.items.get(offset)!
    for (const item of this.items.values()) {
      if (item.key !== key || item === mine) continue
      const behind = item.state === 'leased' && item.consumer === consumer && (this.highest.get(key) ?? 0) <= offset
      if (item.state !== 'ready' && !behind) mine.state = 'blocked'
    }
    mine.key = key
    if (mine.state === 'blocked') return false
    this.highest.set(key, offset)
    this.lease(offset, 1, consumer, leaseMs, now)
    return true
  }

  /** A new lease length from now on, for those of the range that are leased with that attempt. Returns how many. */
  extendLease(first: number, last: number, attempt: number | 'any', leaseMs: number, now: number): number {
    let n = 0
    for (const item of this.held(first, last, attempt)) {
      item.until = now + leaseMs
      n++
    }
    return n
  }

  // -- settling: ranges are inclusive; what another attempt holds, or none, is left alone. They return how many.
  /** `any`: whatever its state, if it was looked at. */
  done(first: number, last: number, attempt: number | 'any'): number {
    if (attempt === 'any') return this.settleRange(first, Math.min(last, this.frontier - 1))
    let n = 0
    for (let offset = first; offset <= last; offset++) {
      const item = this.items.get(offset)
      if (item?.state === 'leased' && item.count === attempt) n += this.settleRange(offset, offset)
    }
    return n
  }

  /** Back to its place. `count` false: that delivery was never seen. `delayMs` absent = the back-off of its attempt. */
  release(first: number, last: number, attempt: number | 'any', count: boolean, now: number, delayMs?: number): number {
    let n = 0
    for (const item of this.held(first, last, attempt)) {
      this.giveBack(item, count, now, delayMs)
      n++
    }
    this.unblock()
    return n
  }

  /** Settles what is ready in the range. */
  discard(first: number, last: number): number {
    this.look(Math.min(last + 1, this.end))
    let n = 0
    for (let offset = first; offset <= last; offset++) {
      if (this.items.get(offset)?.state === 'ready') n += this.settleRange(offset, offset)
    }
    return n
  }

  /** Ready ones are ready again only at `until`, ms of the same clock. */
  delay(first: number, last: number, until: number): void {
    this.look(last + 1)
    for (let offset = first; offset <= last; offset++) {
      const item = this.items.get(offset)
      if (item?.state !== 'ready') continue
      item.state = 'delayed'
      item.until = until
      item.key = null
    }
  }

  /** Ready or leased ones stay unsettled and are not delivered any more. */
  park(first: number, last: number): number {
    this.look(last + 1)
    let n = 0
    for (let offset = first; offset <= last; offset++) {
      const item = this.items.get(offset)
      if (item?.state !== 'ready' && item?.state !== 'leased') continue
      item.state = 'parked'
      item.key = null
      n++
    }
    this.unblock()
    return n
  }

  // -- owners and time
  /** Pairs (first, last) of what is leased in the range with that attempt. */
  leasedRuns(first: number, last: number, attempt: number | 'any'): number[] {
    const runs: number[] = []
    for (let offset = first; offset <= last; offset++) {
      const item = this.items.get(offset)
      if (item?.state !== 'leased' || (attempt !== 'any' && item.count !== attempt)) continue
      if (runs.length > 0 && runs.at(-1) === offset - 1) runs[runs.length - 1] = offset
      else runs.push(offset, offset)
    }
    return runs
  }

  leasedBy(consumer: Id): number {
    let n = 0
    for (const item of this.items.values()) if (item.state === 'leased' && item.consumer === consumer) n++
    return n
  }

  /** All that `consumer` holds goes back to its place. */
  releaseConsumer(consumer: Id, count: boolean, now: number): number {
    let n = 0
    for (const item of this.items.values()) {
      if (item.state !== 'leased' || item.consumer !== consumer) continue
      this.giveBack(item, count, now, 0)
      n++
    }
    this.unblock()
    return n
  }

  /** When `wake` has something to do, ms; Infinity: never. May be early. */
  nextDue(): number {
    let due = Infinity
    for (const item of this.items.values()) {
      if (item.state === 'leased' || item.state === 'delayed') due = Math.min(due, item.until)
    }
    return due
  }

  /** Ends the leases and delays that are over. Returns how many leases ran out. */
  wake(now: number): number {
    let expired = 0
    for (const item of this.items.values()) {
      if (item.until > now) continue
      if (item.state === 'delayed') {
        item.state = 'ready'
        item.key = null
      } else if (item.state === 'leased') {
        this.giveBack(item, true, now)
        expired++
      }
    }
    this.unblock()
    return expired
  }

  /** Is anything in [first, last] unsettled? */
  needed(first: number, last: number): boolean {
    for (let offset = first; offset <= last; offset++) if (this.state(offset) !== 'settled') return true
    return last >= this.end
  }

  private look(to: number): void {
    for (; this.frontier < to; this.frontier++) {
      this.items.set(this.frontier, { state: 'ready', count: 0, consumer: 0, until: 0, key: null })
    }
  }

  private *held(first: number, last: number, attempt: number | 'any'): Iterable<Item> {
    for (let offset = first; offset <= last; offset++) {
      const item = this.items.get(offset)
      if (item?.state === 'leased' && (attempt === 'any' || item.count === attempt)) yield item
    }
  }

  private giveBack(item: Item, count: boolean, now: number, delayMs?: number): void {
    const wait = delayMs ?? this.backOffMs[Math.min(item.count, this.backOffMs.length) - 1] ?? 0
    if (!count) item.count--
    item.state = wait > 0 ? 'delayed' : 'ready'
    item.until = now + wait
    if (wait <= 0) item.key = null
  }

  private settleRange(first: number, last: number): number {
    this.look(Math.min(last + 1, this.end))
    let n = 0
    for (let offset = first; offset <= last; offset++) if (this.items.delete(offset)) n++
    this.unblock()
    this.advance()
    return n
  }

  private unblock(): void {
    const locked = new Set<string | null>()
    for (const item of this.items.values())
      if (item.state === 'leased' || item.state === 'delayed') locked.add(item.key)
    for (const key of this.highest.keys()) if (!locked.has(key)) this.highest.delete(key)
    for (const item of this.items.values()) {
      if (item.state !== 'blocked' || locked.has(item.key)) continue
      item.state = 'ready'
      item.key = null
    }
  }

  private advance(): void {
    while (this.floor < this.frontier && !this.items.has(this.floor)) this.floor++
  }
}
