import { assert, MalformedError, Reader, Writer } from '../../base/index.ts'
import type { Id } from '../facade/index.ts'
import { pageOffsets } from './bits.ts'
import { Deadlines } from './deadlines.ts'
import { held, HeldTable } from './held-table.ts'
import { KeyLocks } from './key-locks.ts'
import { Page } from './page.ts'
import { readCounts, readSettled, writeCounts, writeSettled } from './page-codec.ts'
import { Pages } from './pages.ts'
import { readRuns, Runs } from './runs.ts'

export type OffsetState = 'settled' | 'ready' | 'leased' | 'delayed' | 'blocked' | 'parked'

/** Of an entry and of a checkpointed part. Stored: a new meaning is a new version. */
const version = 1
const attemptMax = 0xffff

/**
 * Delivery state of one leased subscription on one partition: which offsets are settled, ready, leased, delayed,
 * blocked (their key is in flight elsewhere) or parked. Pure: time comes in as `now`, sizes are told.
 *
 *   settled | some settled, pages of bits and a table of what is held | never looked at, ready: 0 bytes a record | ...
 *         floor                                                  frontier                                    end
 *
 * Journal entries and checkpointed parts say what holds from then on (settled, delivered n times), so that applying one
 * again, or late, changes nothing. `generation` rises when a seek takes back what was settled.
 */
export class LeaseQueue {
  /** Wait before attempt 2, 3, …; the last one repeats; empty = none. */
  backOffMs: readonly number[] = []
  end: number
  /** An estimate where records went without having been leased. */
  readyBytes = 0
  leased = 0
  parked = 0
  private waiting = 0
  private readonly lookAheadMax: number
  private readonly pages: Pages
  private readonly table = new HeldTable()
  private readonly deadlines = new Deadlines(this.table)
  private readonly locks = new KeyLocks()
  private readonly byConsumer = new Map<Id, number>()
  private readonly scratch: number[] = []
  private readonly freed: number[] = []

  private start: number
  private generation = 1
  /** Nothing was restored or journaled. */
  private pristine = true
  private readonly settledRuns = new Runs()
  private readonly grantedRuns = new Runs()
  private readonly parkedRuns = new Runs()
  private seekPending = true
  private headerChanged = true
  /** Pages that a checkpoint has. */
  private readonly storedPages = new Set<number>()

  /** `start`: the first offset it wants; `end`: what is visible now. */
  constructor(start: number, end = start, lookAheadMax = 20_000) {
    this.start = start
    this.pages = new Pages(start)
    this.end = Math.max(start, end)
    this.lookAheadMax = lookAheadMax
  }

  get floor(): number {
    return this.pages.floor
  }

  get frontier(): number {
    return this.pages.frontier
  }

  get ready(): number {
    return this.end - this.pages.frontier + this.pages.ready
  }

  /** Waiting for their time, or for their key. */
  get delayed(): number {
    return this.waiting + this.locks.blocked
  }

  // -- records appear and go
  /** Records up to `end` (exclusive) may be delivered now; `bytes`: the size of the new ones. */
  extend(end: number, bytes: number): void {
    assert(end >= this.end, 'the end of a partition goes back')
    this.end = end
    this.readyBytes += bytes
  }

  /** The log has dropped everything below `start`. Returns how many had not been settled. */
  trim(start: number): number {
    if (start <= this.floor) return 0
    const end = this.end
    this.end = Math.max(start, end)
    const lost = this.settleAll(this.floor, Math.min(start, end) - 1)
    if (start > end) this.settle(end, start - 1)
    return lost
  }

  /** All that is ready is settled. Returns how many. */
  purge(): number {
    const n = this.settleReady(this.floor, this.end - 1)
    this.readyBytes = 0
    return n
  }

  /** Starts anew at `offset`: everything from there on is ready, as if never delivered, all below is settled. */
  seek(offset: number): void {
    this.restart(this.generation + 1, offset)
    this.end = Math.max(this.end, offset)
    this.seekPending = true
  }

  // -- finding
  state(offset: number): OffsetState {
    if (offset < this.floor || offset >= this.end) return 'settled'
    if (offset >= this.frontier || this.pages.isReady(offset)) return 'ready'
    const slot = this.table.find(offset)
    if (slot < 0) return 'settled'
    const state = this.table.states[slot]
    return state === held.leased
      ? 'leased'
      : state === held.delayed
        ? 'delayed'
        : state === held.blocked
          ? 'blocked'
          : 'parked'
  }

  /** The lowest ready offset at or after `from`, or -1. */
  next(from = this.floor): number {
    const ready = from < this.frontier ? this.pages.nextReady(from) : -1
    if (ready >= 0) return ready
    const fresh = Math.max(from, this.frontier)
    return fresh < this.end && this.locks.blocked < this.lookAheadMax ? fresh : -1
  }

  /** How many offsets from the ready `first` on are ready with the same attempt; at most `max`, perhaps fewer. */
  run(first: number, max: number): number {
    return first >= this.frontier ? Math.min(max, this.end - first) : this.pages.run(first, max)
  }

  /** Of its lease, or which the next lease gets: 1 = never delivered before. */
  attempt(offset: number): number {
    const slot = this.table.find(offset)
    if (slot >= 0 && this.table.states[slot] === held.leased) return this.table.attempts[slot]!
    return Math.min(this.pages.count(offset) + 1, attemptMax)
  }

  // -- leasing
  /** `[first, first + count)` are ready, with one attempt. `leaseMs` may be Infinity. `bytes`: of all of them. */
  lease(first: number, count: number, consumer: Id, leaseMs: number, now: number, bytes: number): void {
    const attempt = this.attempt(first)
    const until = now + leaseMs
    this.claim(first, count)
    const each = Math.floor(bytes / count)
    for (let i = 0; i < count; i++) {
      this.table.insert(first + i, held.leased, attempt, consumer, until, i === 0 ? bytes - each * (count - 1) : each)
    }
    this.leased += count
    this.byConsumer.set(consumer, (this.byConsumer.get(consumer) ?? 0) + count)
    this.readyBytes = Math.max(0, this.readyBytes - bytes)
    this.deadlines.add(first, count, leaseMs, until)
    this.grantedRuns.add(first, first + count - 1, attempt)
  }

  /**
   * With key order: leases one record unless its key is in flight at another consumer, or a released record of the key
   * waits to come first. False: it is blocked now and will be ready again by itself.
   */
  leaseKeyed(offset: number, key: string, consumer: Id, leaseMs: number, now: number, bytes: number): boolean {
    if (this.locks.lease(offset, key, consumer)) {
      this.lease(offset, 1, consumer, leaseMs, now, bytes)
      return true
    }
    this.claim(offset, 1)
    this.table.insert(offset, held.blocked, 0, 0, Infinity, 0)
    return false
  }

  /** A new lease length from now on, for those of the range that are leased with that attempt. Returns how many. */
  extendLease(first: number, last: number, attempt: number | 'any', leaseMs: number, now: number): number {
    let n = 0
    for (const offset of this.candidates(first, last)) {
      const slot = this.leasedSlot(offset, attempt)
      if (slot < 0) continue
      this.table.untils[slot] = now + leaseMs
      this.deadlines.add(offset, 1, leaseMs, now + leaseMs)
      n++
    }
    return n
  }

  // -- settling: ranges are inclusive; what another attempt holds, or none, is left alone. They return how many.
  /** `any`: whatever its state, if it was looked at. */
  done(first: number, last: number, attempt: number | 'any'): number {
    if (attempt === 'any') return this.settleAll(Math.max(first, this.floor), Math.min(last, this.frontier - 1))
    let n = 0
    let from = -1
    let to = -2
    for (const offset of this.candidates(first, last)) {
      const slot = this.leasedSlot(offset, attempt)
      if (slot < 0) continue
      this.unhold(slot, offset)
      if (offset !== to + 1) {
        if (from >= 0) this.settle(from, to)
        from = offset
      }
      to = offset
      n++
    }
    if (from >= 0) this.settle(from, to)
    this.unblock()
    return n
  }

  /** Back to its place. `count` false: that delivery was never seen. `delayMs` absent = the back-off of its attempt. */
  release(first: number, last: number, attempt: number | 'any', count: boolean, now: number, delayMs?: number): number {
    let n = 0
    for (const offset of this.candidates(first, last)) {
      const slot = this.leasedSlot(offset, attempt)
      if (slot < 0) continue
      this.giveBack(slot, offset, count, now, delayMs)
      n++
    }
    this.unblock()
    return n
  }

  /** Settles what is ready in the range: expired, gone, or handed over with no lease. `bytes`: of all of them. */
  discard(first: number, last: number, bytes = 0): number {
    this.readyBytes = Math.max(0, this.readyBytes - bytes)
    return this.settleReady(first, Math.min(last, this.end - 1))
  }

  /** Ready ones are ready again only at `until`, ms since 1970. `bytes`: of all of them. */
  delay(first: number, last: number, until: number, bytes = 0): void {
    const each = Math.floor(bytes / (last - first + 1))
    this.pages.look(last + 1, true)
    for (let offset = first; offset <= last; offset++) {
      if (this.pages.takeReady(offset, offset) === 0) continue
      this.table.insert(offset, held.delayed, 0, 0, until, each)
      this.deadlines.addOne(offset, until)
      this.readyBytes = Math.max(0, this.readyBytes - each)
      this.waiting++
    }
  }

  /** Ready or leased ones stay unsettled and are not delivered any more. Returns how many. */
  park(first: number, last: number): number {
    this.pages.look(last + 1, true)
    let n = 0
    for (let offset = first; offset <= last; offset++) {
      const slot = this.leasedSlot(offset, 'any')
      if (slot >= 0) {
        this.pages.setCount(offset, this.table.attempts[slot]!)
        this.unhold(slot, offset)
      } else if (this.pages.takeReady(offset, offset) === 0) {
        continue
      }
      this.setParked(offset)
      this.parkedRuns.add(offset, offset)
      n++
    }
    this.unblock()
    return n
  }

  // -- owners and time
  /** Pairs (first, last) of what is leased in the range with that attempt. */
  leasedRuns(first: number, last: number, attempt: number | 'any'): number[] {
    const runs: number[] = []
    for (const offset of this.candidates(first, last)) {
      if (this.leasedSlot(offset, attempt) < 0) continue
      if (runs.length > 0 && runs.at(-1) === offset - 1) runs[runs.length - 1] = offset
      else runs.push(offset, offset)
    }
    return runs
  }

  leasedBy(consumer: Id): number {
    return this.byConsumer.get(consumer) ?? 0
  }

  /** All that `consumer` holds goes back to its place, with no back-off. Returns how many. */
  releaseConsumer(consumer: Id, count: boolean, now: number): number {
    const n = this.leasedBy(consumer)
    if (n === 0) return 0
    const mine: number[] = []
    this.table.forEach((slot) => {
      const { states, consumers, offsets } = this.table
      if (states[slot] === held.leased && consumers[slot] === consumer) mine.push(offsets[slot]!)
    })
    for (const offset of mine.sort(rising)) this.giveBack(this.table.find(offset), offset, count, now, 0)
    this.unblock()
    return n
  }

  /** When `wake` has something to do, ms since 1970; Infinity: never. May be early. */
  nextDue(): number {
    return this.deadlines.due
  }

  /** Ends the leases and delays that are over. Returns how many leases ran out. */
  wake(now: number): number {
    const ended: number[] = []
    this.deadlines.take(now, ended)
    let expired = 0
    for (const offset of ended) {
      const slot = this.table.find(offset)
      if (slot < 0) continue
      if (this.table.states[slot] === held.leased) {
        this.giveBack(slot, offset, true, now)
        expired++
      } else if (this.table.states[slot] === held.delayed) {
        this.readyBytes += this.table.bytes[slot]!
        this.unhold(slot, offset)
        this.pages.giveReady(offset)
      }
    }
    this.unblock()
    return expired
  }

  /** Is anything in [first, last] unsettled? What has not appeared yet is. */
  needed(first: number, last: number): boolean {
    return last >= this.frontier || this.pages.nextUnsettled(first) <= last
  }

  // -- durability
  /** Something happened since the last `writeEntry`. */
  get dirty(): boolean {
    return this.seekPending || this.settledRuns.length + this.grantedRuns.length + this.parkedRuns.length > 0
  }

  /**
   * What happened since the last call, for one journal entry. Again and in any order is harmless (storage F2).
   *
   *   version 1, generation, start, settled runs, delivered runs (+ attempt), parked runs
   */
  writeEntry(w: Writer): void {
    this.writeGeneration(w)
    this.settledRuns.write(w, false)
    this.grantedRuns.write(w, true)
    this.parkedRuns.write(w, false)
    this.clearPending()
    this.pristine = false
  }

  applyEntry(r: Reader): void {
    const current = this.readGeneration(r)
    readRuns(r, false, (first, last) => {
      if (current) this.pages.settle(first, last)
    })
    readRuns(r, true, (first, last, attempt) => {
      if (current) this.applyGrant(first, last, attempt)
    })
    readRuns(r, false, (first, last) => {
      if (current) this.applyParked(first, last)
    })
  }

  /**
   * Begins a checkpoint round: the parts to write, the first of them in this same turn. `full`: all of them. Part 0 says
   * how far the queue has come, so it must not be younger than the list of pages; a page that is made later is told by
   * the journal.
   */
  checkpointParts(full: boolean): number[] {
    const parts: number[] = []
    if (full) this.storedPages.clear()
    for (const [index, page] of this.pages.byIndex) {
      if (!full && !page.changed && this.storedPages.has(index)) continue
      parts.push(index + 1)
      this.storedPages.add(index)
    }
    for (const index of this.storedPages) if (!this.pages.byIndex.has(index)) parts.push(index + 1)
    if (full || parts.length > 0 || this.headerChanged) parts.unshift(0)
    this.headerChanged = false
    return parts
  }

  /** State of a part as of now; nothing written = it is gone. */
  writePart(part: number, w: Writer): void {
    if (part === 0) {
      this.writeGeneration(w)
      w.uvarint(this.floor)
      w.uvarint(this.frontier)
      return
    }
    const page = this.pages.byIndex.get(part - 1)
    if (page === undefined) {
      this.storedPages.delete(part - 1)
      return
    }
    page.changed = false
    this.writeGeneration(w)
    writeSettled(w, page.settled)
    const start = (part - 1) * pageOffsets
    writeCounts(w, page, (bit) => {
      const slot = this.table.find(start + bit)
      return slot < 0 ? 0 : this.table.attempts[slot]!
    })
    this.parkedIn(page, start).write(w, false)
  }

  /** In any order, before the first entry. */
  restorePart(part: number, r: Reader): void {
    if (!this.readGeneration(r)) return
    if (part === 0) {
      this.pages.floor = r.uvarint()
      this.pages.frontier = r.uvarint()
      return
    }
    const page = new Page()
    readSettled(r, page.settled)
    readCounts(r, page)
    const start = (part - 1) * pageOffsets
    readRuns(r, false, (first, last) => {
      for (let bit = first; bit <= last; bit++) this.setParked(start + bit)
    })
    page.changed = false
    this.pages.byIndex.set(part - 1, page)
    this.storedPages.add(part - 1)
  }

  /** After the last part and entry: `start` and `end` of the partition. `bytes`: what it keeps, to estimate by. */
  recovered(start: number, end: number, bytes: number): void {
    this.end = Math.max(this.end, end, this.frontier)
    this.pages.derive()
    for (const offset of this.parkedOffsets()) {
      if (offset < this.floor || this.pages.takeReady(offset, offset) === 0) this.dropParked(offset)
    }
    this.trim(start)
    this.readyBytes = end > start ? Math.round((bytes * this.ready) / (end - start)) : 0
  }

  // -- inside
  /** Ready ones are about to be held. */
  private claim(first: number, count: number): void {
    assert(first >= this.floor && first + count <= this.end, 'only what is there can be leased')
    if (first > this.frontier) this.pages.look(first, true)
    const below = Math.min(count, this.frontier - first)
    if (below > 0) {
      assert(this.pages.takeReady(first, first + below - 1) === below, 'only what is ready can be leased')
      this.pages.page(first)!.changed = true
    }
    this.pages.look(first + count, false)
  }

  private setParked(offset: number): void {
    this.table.insert(offset, held.parked, 0, 0, Infinity, 0)
    this.parked++
  }

  private dropParked(offset: number): void {
    this.unhold(this.table.find(offset), offset)
  }

  private parkedOffsets(): number[] {
    const offsets: number[] = []
    this.table.forEach((slot) => {
      if (this.table.states[slot] === held.parked) offsets.push(this.table.offsets[slot]!)
    })
    return offsets
  }

  private parkedIn(page: Page, start: number): Runs {
    const runs = new Runs()
    if (this.parked === 0) return runs
    for (let bit = page.settled.nextClear(0); bit < pageOffsets;) {
      const slot = page.ready.has(bit) ? -1 : this.table.find(start + bit)
      if (slot >= 0 && this.table.states[slot] === held.parked) runs.add(bit, bit)
      bit = bit + 1 === pageOffsets ? pageOffsets : page.settled.nextClear(bit + 1)
    }
    return runs
  }

  /** Offsets of the range that may be held, rising. */
  private candidates(first: number, last: number): readonly number[] {
    const { scratch, table } = this
    const from = Math.max(first, this.floor)
    const to = Math.min(last, this.frontier - 1)
    scratch.length = 0
    if (to - from < table.size) {
      for (let offset = from; offset <= to; offset++) scratch.push(offset)
      return scratch
    }
    table.forEach((slot) => {
      const offset = table.offsets[slot]!
      if (offset >= from && offset <= to) scratch.push(offset)
    })
    return scratch.sort(rising)
  }

  /** Slot of an offset that is leased with that attempt, or -1. */
  private leasedSlot(offset: number, attempt: number | 'any'): number {
    const slot = this.table.find(offset)
    if (slot < 0 || this.table.states[slot] !== held.leased) return -1
    return attempt === 'any' || this.table.attempts[slot] === attempt ? slot : -1
  }

  /** It is not held any more. */
  private unhold(slot: number, offset: number): void {
    switch (this.table.states[slot]) {
      case held.leased:
        this.unlease(slot)
        this.locks.release(offset, false, this.freed)
        break
      case held.delayed:
        this.waiting--
        this.locks.release(offset, true, this.freed)
        break
      case held.blocked:
        this.locks.forget(offset)
        break
      case held.parked:
        this.parked--
        break
    }
    this.table.remove(slot)
  }

  private unlease(slot: number): void {
    const consumer = this.table.consumers[slot]!
    const left = this.byConsumer.get(consumer)! - 1
    if (left === 0) this.byConsumer.delete(consumer)
    else this.byConsumer.set(consumer, left)
    this.leased--
  }

  private giveBack(slot: number, offset: number, count: boolean, now: number, delayMs?: number): void {
    const attempt = this.table.attempts[slot]!
    const bytes = this.table.bytes[slot]!
    this.pages.setCount(offset, count ? attempt : attempt - 1)
    const wait = delayMs ?? this.backOffMs[Math.min(attempt, this.backOffMs.length) - 1] ?? 0
    if (wait <= 0) {
      this.unhold(slot, offset)
      this.pages.giveReady(offset)
      this.readyBytes += bytes
      return
    }
    this.unlease(slot)
    this.locks.delay(offset)
    this.waiting++
    this.table.states[slot] = held.delayed
    this.table.untils[slot] = now + wait
    this.deadlines.add(offset, 1, wait, now + wait)
  }

  /** Gives back what waited for the keys that are free now. */
  private unblock(): void {
    for (const offset of this.freed) {
      const slot = this.table.find(offset)
      if (slot < 0) continue
      this.table.remove(slot)
      this.pages.giveReady(offset)
    }
    this.freed.length = 0
  }

  private settle(first: number, last: number): number {
    this.settledRuns.add(first, last)
    this.headerChanged = true
    return this.pages.settle(first, last)
  }

  /** Whatever its state. */
  private settleAll(first: number, last: number): number {
    if (last < first) return 0
    for (const offset of this.candidates(first, last)) {
      const slot = this.table.find(offset)
      if (slot >= 0) this.unhold(slot, offset)
    }
    const before = this.ready
    this.pages.takeReady(first, Math.min(last, this.frontier - 1))
    const n = this.settle(first, last)
    if (before > 0) this.readyBytes = Math.round((this.readyBytes * this.ready) / before)
    this.unblock()
    return n
  }

  /** What is ready in the range. */
  private settleReady(first: number, last: number): number {
    let n = 0
    for (let at = this.nextUnheld(first); at <= last;) {
      const to = Math.min(last, at + this.run(at, last - at + 1) - 1)
      if (at < this.frontier) this.pages.takeReady(at, to)
      else this.pages.look(at, true)
      n += this.settle(at, to)
      at = this.nextUnheld(to + 1)
    }
    return n
  }

  /** As `next`, but it looks ahead without a bound; the end when there is none. */
  private nextUnheld(from: number): number {
    const ready = from < this.frontier ? this.pages.nextReady(from) : -1
    return ready >= 0 ? ready : Math.max(from, this.frontier)
  }

  private restart(generation: number, start: number): void {
    this.generation = generation
    this.start = start
    this.pages.reset(start)
    this.table.clear()
    this.deadlines.clear()
    this.locks.clear()
    this.byConsumer.clear()
    this.leased = this.parked = this.waiting = this.readyBytes = 0
    this.clearPending()
    this.headerChanged = true
  }

  private clearPending(): void {
    this.settledRuns.clear()
    this.grantedRuns.clear()
    this.parkedRuns.clear()
    this.seekPending = false
  }

  private writeGeneration(w: Writer): void {
    w.u8(version)
    w.uvarint(this.generation)
    w.uvarint(this.start)
  }

  /** False: what follows was taken back by a later seek. */
  private readGeneration(r: Reader): boolean {
    const found = r.u8()
    if (found !== version) throw new MalformedError(`state of a queue in version ${found}, known is ${version}`)
    const generation = r.uvarint()
    const start = r.uvarint()
    if (this.pristine || generation > this.generation) this.restart(generation, start)
    this.pristine = false
    return generation === this.generation
  }

  private applyGrant(first: number, last: number, attempt: number): void {
    this.pages.look(last + 1, false)
    for (let offset = Math.max(first, this.floor); offset <= last; offset++) {
      if (!this.pages.isSettled(offset) && this.pages.count(offset) < attempt) this.pages.setCount(offset, attempt)
    }
  }

  private applyParked(first: number, last: number): void {
    this.pages.look(last + 1, false)
    for (let offset = Math.max(first, this.floor); offset <= last; offset++) {
      if (!this.pages.isSettled(offset) && this.table.find(offset) < 0) this.setParked(offset)
    }
  }
}

const rising = (a: number, b: number): number => a - b
