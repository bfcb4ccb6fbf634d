import { assert } from '../../base/index.ts'
import { Changes } from './changes.ts'
import { Deadlines } from './deadlines.ts'
import { held, HeldTable } from './held-table.ts'
import { Holders } from './holders.ts'
import { KeyLocks } from './key-locks.ts'
import { Pages } from './pages.ts'
import { ReadyBytes, type SizeOf } from './ready-bytes.ts'

/**
 * What a lease queue knows, and the steps from one state of an offset to another that its verbs are made of. After a
 * step that may free a key, `unblock` must follow.
 */
export class Holdings {
  end: number
  readonly bytes = new ReadyBytes()
  leased = 0
  /** Delayed ones. */
  waiting = 0
  parked = 0
  backOffMs: readonly number[] = []
  readonly pages: Pages
  readonly table = new HeldTable()
  readonly deadlines = new Deadlines(this.table)
  readonly locks = new KeyLocks()
  readonly holders = new Holders(this.table)
  readonly changes: Changes
  readonly candidate: number[] = []
  private readonly freed: number[] = []

  constructor(start: number, end: number) {
    this.pages = new Pages(start)
    this.end = Math.max(start, end)
    this.changes = new Changes(start)
  }

  get ready(): number {
    return this.end - this.pages.frontier + this.pages.ready
  }

  restart(generation: number, start: number): void {
    this.changes.restart(generation, start)
    this.pages.reset(start)
    this.table.clear()
    this.deadlines.clear()
    this.locks.clear()
    this.holders.clear()
    this.end = Math.max(this.end, start)
    this.bytes.restart(0, 0)
    this.leased = this.parked = this.waiting = 0
  }

  /** Lets go of the memory that it does not need now. */
  rest(): void {
    if (this.table.size > 0) return
    this.table.clear()
    this.deadlines.clear()
    this.holders.clear()
    this.candidate.length = 0
    this.pages.rest()
  }

  // -- finding
  /** The first ready offset at or after `from`; the end, or beyond, when there is none. */
  nextReady(from: number): number {
    const ready = from < this.pages.frontier ? this.pages.nextReady(from) : -1
    return ready >= 0 ? ready : Math.max(from, this.pages.frontier)
  }

  /** From a ready one on, at most `max`. */
  run(first: number, max: number): number {
    return first >= this.pages.frontier ? Math.min(max, this.end - first) : this.pages.run(first, max)
  }

  /**
   * Puts the offsets of the range that may be held, rising, into `candidate` and returns how many. The array keeps its
   * length: emptying it would cost an allocation for each settle.
   */
  candidates(first: number, last: number): number {
    const { candidate, table } = this
    const from = Math.max(first, this.pages.floor)
    const to = Math.min(last, this.pages.frontier - 1)
    if (to - from >= table.size) return this.heldIn(from, to)
    let n = 0
    for (let offset = from; offset <= to; offset++) candidate[n++] = offset
    return n
  }

  private heldIn(from: number, to: number): number {
    const found: number[] = []
    this.table.forEach((slot) => {
      const offset = this.table.offsets[slot]!
      if (offset >= from && offset <= to) found.push(offset)
    })
    found.sort(rising)
    for (let i = 0; i < found.length; i++) this.candidate[i] = found[i]!
    return found.length
  }

  /** Slot of an offset that is leased with that attempt, or -1. */
  leasedSlot(offset: number, attempt: number | 'any'): number {
    const slot = this.table.find(offset)
    if (slot < 0 || this.table.states[slot] !== held.leased) return -1
    return attempt === 'any' || this.table.attempts[slot] === attempt ? slot : -1
  }

  /** Offsets in that state, rising. */
  inState(state: number): number[] {
    const offsets: number[] = []
    this.table.forEach((slot) => {
      if (this.table.states[slot] === state) offsets.push(this.table.offsets[slot]!)
    })
    return offsets.sort(rising)
  }

  // -- ready to held
  /** `bytes` of `count` records from `first` on are ready no more. With nothing ready, no estimate can be wrong. */
  lose(first: number, count: number, bytes: number, sizeOf?: SizeOf): void {
    this.bytes.take(first, count, bytes, sizeOf)
    if (this.ready === 0) this.bytes.restart(0, 0)
  }

  /** Some of `before` ready ones went, nobody knows how large they were. */
  shrink(before: number): void {
    if (before > this.ready) this.bytes.total = Math.round((this.bytes.total * this.ready) / before)
    if (this.ready === 0) this.bytes.restart(0, 0)
  }

  /** Ready ones are about to be held. */
  claim(first: number, count: number): void {
    const { pages } = this
    assert(first >= pages.floor && first + count <= this.end, 'only what is there can be leased')
    if (first > pages.frontier) pages.look(first, true)
    const below = Math.min(count, pages.frontier - first)
    const taken = below > 0 ? pages.takeReady(first, first + below - 1) : 0
    assert(taken === Math.max(0, below), 'only what is ready can be leased')
    pages.look(first + count, false)
  }

  /** It is neither ready nor settled: parked, or withheld for a while. */
  hold(offset: number, state: number): void {
    this.table.insert(offset, state, 0, 0, Infinity, 0)
    if (state === held.parked) this.parked++
  }

  // -- held to ready or nothing
  /** It is not held any more. */
  unhold(slot: number, offset: number): void {
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
      default:
        break
    }
    this.table.remove(slot)
  }

  private unlease(slot: number): void {
    this.holders.remove(this.table.consumers[slot]!)
    this.leased--
  }

  /** A lease ends: ready, or delayed. `delayMs` absent: the back-off of its attempt. */
  giveBack(slot: number, offset: number, count: boolean, now: number, delayMs?: number): void {
    const attempt = this.table.attempts[slot]!
    const bytes = this.table.bytes[slot]!
    this.pages.setCount(offset, count ? attempt : attempt - 1)
    const wait = delayMs ?? this.backOffMs[Math.min(attempt, this.backOffMs.length) - 1] ?? 0
    if (wait <= 0) return this.makeReady(slot, offset, bytes)
    this.unlease(slot)
    this.locks.delay(offset)
    this.waiting++
    this.table.states[slot] = held.delayed
    this.table.untils[slot] = now + wait
    this.deadlines.add(offset, 1, wait, now + wait)
  }

  makeReady(slot: number, offset: number, bytes: number): void {
    this.unhold(slot, offset)
    this.pages.giveReady(offset)
    this.bytes.add(offset, bytes)
  }

  /** Gives back what waited for the keys that are free now. */
  unblock(): void {
    if (this.freed.length === 0) return
    for (const offset of this.freed) {
      const slot = this.table.find(offset)
      if (slot < 0) continue
      this.table.remove(slot)
      this.pages.giveReady(offset)
    }
    this.freed.length = 0
  }

  // -- settling
  /** Nothing of the range is ready or held. Returns how many were not settled yet. */
  settle(first: number, last: number): number {
    this.changes.settled.add(first, last)
    return this.pages.settle(first, last)
  }

  /** Whatever its state. */
  settleAll(first: number, last: number): number {
    if (last < first) return 0
    const count = this.candidates(first, last)
    for (let i = 0; i < count; i++) {
      const offset = this.candidate[i]!
      const slot = this.table.find(offset)
      if (slot >= 0) this.unhold(slot, offset)
    }
    const before = this.ready
    this.pages.takeReady(first, Math.min(last, this.pages.frontier - 1))
    const n = this.settle(first, last)
    this.shrink(before)
    this.unblock()
    return n
  }

  /** What is ready in the range. */
  settleReady(first: number, last: number): number {
    let n = 0
    for (let at = this.nextReady(first); at <= last;) {
      const to = Math.min(last, at + this.run(at, last - at + 1) - 1)
      if (at < this.pages.frontier) this.pages.takeReady(at, to)
      else this.pages.look(at, true)
      n += this.settle(at, to)
      at = this.nextReady(to + 1)
    }
    return n
  }
}

export const rising = (a: number, b: number): number => a - b
