import type { Reader, Writer } from '../../base/index.ts'
import { assert } from '../../base/index.ts'
import type { Id } from '../facade/index.ts'
import { Durability } from './durability.ts'
import { held } from './held-table.ts'
import { Holdings } from './holdings.ts'
import type { SizeOf } from './ready-bytes.ts'

export type OffsetState = 'settled' | 'ready' | 'leased' | 'delayed' | 'blocked' | 'parked' | 'withheld'

const states: Record<number, OffsetState> = {
  [held.leased]: 'leased',
  [held.delayed]: 'delayed',
  [held.blocked]: 'blocked',
  [held.parked]: 'parked',
  [held.withheld]: 'withheld',
}

const attemptMax = 0xffff

/**
 * Delivery state of one leased subscription on one partition: which offsets are settled, ready, leased, delayed, blocked
 * (their key is in flight elsewhere), parked (for good) or withheld (for a while). Pure: time comes in as `now`, sizes
 * are told.
 *
 *   settled | some settled, pages of bits and a table of what is held | never looked at, ready: 0 bytes a record | ...
 *         floor                                                  frontier                                    end
 */
export class LeaseQueue {
  private readonly lookAheadMax: number
  private readonly holdings: Holdings
  private readonly durability: Durability

  /** `start`: the first offset it wants; `end`: what is visible now. */
  constructor(start: number, end = start, lookAheadMax = 20_000) {
    this.holdings = new Holdings(start, end)
    this.durability = new Durability(this.holdings)
    this.lookAheadMax = lookAheadMax
  }

  get floor(): number {
    return this.holdings.pages.floor
  }

  get frontier(): number {
    return this.holdings.pages.frontier
  }

  get end(): number {
    return this.holdings.end
  }

  get ready(): number {
    return this.holdings.ready
  }

  /** An estimate where records went without having been leased. */
  get readyBytes(): number {
    return this.holdings.bytes.total
  }

  set readyBytes(bytes: number) {
    this.holdings.bytes.restart(0, 0)
    this.holdings.bytes.total = bytes
  }

  get leased(): number {
    return this.holdings.leased
  }

  /** Waiting for their time, or for their key. */
  get delayed(): number {
    return this.holdings.waiting + this.holdings.locks.blocked
  }

  get parked(): number {
    return this.holdings.parked
  }

  /** Wait before attempt 2, 3, …; the last one repeats; empty = none. */
  set backOffMs(waits: readonly number[]) {
    this.holdings.backOffMs = waits
  }

  // -- records appear and go
  /** Records up to `end` (exclusive) may be delivered now; `bytes`: the size of the new ones. */
  extend(end: number, bytes: number): void {
    assert(end >= this.end, 'the end of a partition goes back')
    this.holdings.end = end
    this.holdings.bytes.total += bytes
  }

  /** The log has dropped everything below `start`. Returns how many had not been settled. */
  trim(start: number): number {
    if (start <= this.floor) return 0
    const end = this.end
    this.holdings.end = Math.max(start, end)
    const lost = this.holdings.settleAll(this.floor, Math.min(start, end) - 1)
    if (start > end) this.holdings.settle(end, start - 1)
    return lost
  }

  /** All that is ready is settled. Returns how many. */
  purge(): number {
    const n = this.holdings.settleReady(this.floor, this.end - 1)
    this.holdings.bytes.restart(0, 0)
    return n
  }

  /** Starts anew at `offset`: everything from there on is ready, as if never delivered, all below is settled. */
  seek(offset: number): void {
    const { changes } = this.holdings
    this.holdings.restart(changes.generation + 1, offset)
  }

  // -- finding
  state(offset: number): OffsetState {
    if (offset < this.floor || offset >= this.end) return 'settled'
    if (offset >= this.frontier || this.holdings.pages.isReady(offset)) return 'ready'
    const slot = this.holdings.table.find(offset)
    return slot < 0 ? 'settled' : states[this.holdings.table.states[slot]!]!
  }

  /** The lowest ready offset at or after `from`, or -1. */
  next(from = this.floor): number {
    const offset = this.holdings.nextReady(from)
    if (offset >= this.end) return -1
    return offset < this.frontier || this.holdings.locks.blocked < this.lookAheadMax ? offset : -1
  }

  /** How many offsets from the ready `first` on are ready with the same attempt; at most `max`, perhaps fewer. */
  run(first: number, max: number): number {
    return this.holdings.run(first, max)
  }

  /** Of its lease, or which the next lease gets: 1 = never delivered before. */
  attempt(offset: number): number {
    const slot = this.holdings.leasedSlot(offset, 'any')
    if (slot >= 0) return this.holdings.table.attempts[slot]!
    return Math.min(this.holdings.pages.count(offset) + 1, attemptMax)
  }

  // -- leasing
  /**
   * `[first, first + count)` are ready, with one attempt. `leaseMs` may be Infinity. `bytes`: of all of them; without
   * `sizeOf` they count as equally large.
   */
  lease(
    first: number,
    count: number,
    consumer: Id,
    leaseMs: number,
    now: number,
    bytes: number,
    sizeOf?: SizeOf,
  ): void {
    const { table, holders, changes } = this.holdings
    const attempt = this.attempt(first)
    const until = now + leaseMs
    this.holdings.claim(first, count)
    const each = Math.floor(bytes / count)
    const rest = bytes - each * (count - 1)
    for (let i = 0; i < count; i++) {
      const size = sizeOf === undefined ? (i === 0 ? rest : each) : sizeOf(first + i)
      table.insert(first + i, held.leased, attempt, consumer, until, size)
    }
    holders.add(consumer, first, count)
    this.holdings.leased += count
    this.holdings.lose(first, count, bytes, sizeOf)
    this.holdings.deadlines.add(first, count, leaseMs, until)
    changes.delivered.add(first, first + count - 1, attempt)
  }

  /**
   * With key order: leases one record unless its key is in flight at another consumer, or a released record of the key
   * waits to come first. False: it is blocked now and will be ready again by itself.
   */
  leaseKeyed(offset: number, key: string, consumer: Id, leaseMs: number, now: number, bytes: number): boolean {
    if (this.holdings.locks.lease(offset, key, consumer)) {
      this.lease(offset, 1, consumer, leaseMs, now, bytes)
      return true
    }
    this.holdings.claim(offset, 1)
    this.holdings.hold(offset, held.blocked)
    return false
  }

  /** A new lease length from now on, for those of the range that are leased with that attempt. Returns how many. */
  extendLease(first: number, last: number, attempt: number | 'any', leaseMs: number, now: number): number {
    let n = 0
    const candidates = this.holdings.candidates(first, last)
    for (let i = 0; i < candidates; i++) {
      const offset = this.holdings.candidate[i]!
      const slot = this.holdings.leasedSlot(offset, attempt)
      if (slot < 0) continue
      this.holdings.table.untils[slot] = now + leaseMs
      this.holdings.deadlines.add(offset, 1, leaseMs, now + leaseMs)
      n++
    }
    return n
  }

  // -- settling: ranges are inclusive; what another attempt holds, or none, is left alone. They return how many.
  /** `any`: whatever its state, if it was looked at. */
  done(first: number, last: number, attempt: number | 'any'): number {
    if (attempt === 'any')
      return this.holdings.settleAll(Math.max(first, this.floor), Math.min(last, this.frontier - 1))
    let n = 0
    let from = -1
    let to = -2
    const candidates = this.holdings.candidates(first, last)
    for (let i = 0; i < candidates; i++) {
      const offset = this.holdings.candidate[i]!
      const slot = this.holdings.leasedSlot(offset, attempt)
      if (slot < 0) continue
      this.holdings.unhold(slot, offset)
      if (offset !== to + 1) {
        if (from >= 0) this.holdings.settle(from, to)
        from = offset
      }
      to = offset
      n++
    }
    if (from >= 0) this.holdings.settle(from, to)
    this.holdings.unblock()
    return n
  }

  /** Back to its place. `count` false: that delivery was never seen. `delayMs` absent = the back-off of its attempt. */
  release(first: number, last: number, attempt: number | 'any', count: boolean, now: number, delayMs?: number): number {
    let n = 0
    const candidates = this.holdings.candidates(first, last)
    for (let i = 0; i < candidates; i++) {
      const offset = this.holdings.candidate[i]!
      const slot = this.holdings.leasedSlot(offset, attempt)
      if (slot < 0) continue
      this.holdings.giveBack(slot, offset, count, now, delayMs)
      n++
    }
    this.holdings.unblock()
    return n
  }

  /** Settles what is ready in the range: expired, gone, or handed over with no lease. `bytes`: of all of them. */
  discard(first: number, last: number, bytes = 0, sizeOf?: SizeOf): number {
    const n = this.holdings.settleReady(first, Math.min(last, this.end - 1))
    this.holdings.lose(first, last - first + 1, bytes, sizeOf)
    return n
  }

  /** Ready ones are ready again only at `until`, ms of the same clock. */
  delay(first: number, last: number, until: number, sizeOf?: SizeOf): void {
    const { table, pages, deadlines } = this.holdings
    pages.look(last + 1, true)
    for (let offset = first; offset <= last; offset++) {
      if (pages.takeReady(offset, offset) === 0) continue
      const size = sizeOf?.(offset) ?? 0
      table.insert(offset, held.delayed, 0, 0, until, size)
      deadlines.addOne(offset, until)
      this.holdings.lose(offset, 1, size)
      this.holdings.waiting++
    }
  }

  /** Ready or leased ones stay unsettled and are not delivered any more. Returns how many. */
  park(first: number, last: number, sizeOf?: SizeOf): number {
    return this.withdraw(first, last, held.parked, sizeOf)
  }

  /** The same until they are settled, or until a restart makes them ready again. */
  withhold(first: number, last: number, sizeOf?: SizeOf): number {
    return this.withdraw(first, last, held.withheld, sizeOf)
  }

  /** Without `sizeOf` those that were ready count as large as the others that are. */
  private withdraw(first: number, last: number, state: number, sizeOf?: SizeOf): number {
    const { pages, table, changes } = this.holdings
    pages.look(Math.min(last + 1, this.end), true)
    const before = this.ready
    let n = 0
    for (let offset = Math.max(first, this.floor); offset <= last; offset++) {
      const slot = this.holdings.leasedSlot(offset, 'any')
      if (slot >= 0) {
        pages.setCount(offset, table.attempts[slot]!)
        this.holdings.unhold(slot, offset)
      } else if (pages.takeReady(offset, offset) === 0) {
        continue
      } else if (sizeOf !== undefined) {
        this.holdings.lose(offset, 1, sizeOf(offset))
      }
      this.holdings.hold(offset, state)
      if (state === held.parked) changes.parked.add(offset, offset)
      n++
    }
    if (sizeOf === undefined) this.holdings.shrink(before)
    this.holdings.unblock()
    return n
  }

  // -- the size of what is ready
  /** Nothing is known of it: `count` is to be called, from the lowest on, until `uncounted` is -1. */
  recount(): void {
    this.holdings.bytes.restart(this.floor, this.end)
  }

  /** The next offset to count; -1: all that is ready is counted. */
  get uncounted(): number {
    const { bytes } = this.holdings
    if (bytes.uncounted >= 0) bytes.lookedTo(this.holdings.nextReady(Math.max(bytes.uncounted, this.floor)))
    return bytes.uncounted
  }

  /** Up to `end`, exclusive. */
  count(end: number, sizeOf: SizeOf): void {
    const { bytes } = this.holdings
    for (let at = this.uncounted; at >= 0 && at < end; at = this.uncounted) {
      bytes.lookedTo(at + 1)
      bytes.add(at, sizeOf(at))
    }
  }

  // -- owners and time
  /** Pairs (first, last) of what is leased in the range with that attempt. */
  leasedRuns(first: number, last: number, attempt: number | 'any'): number[] {
    const runs: number[] = []
    const candidates = this.holdings.candidates(first, last)
    for (let i = 0; i < candidates; i++) {
      const offset = this.holdings.candidate[i]!
      if (this.holdings.leasedSlot(offset, attempt) < 0) continue
      if (runs.length > 0 && runs.at(-1) === offset - 1) runs[runs.length - 1] = offset
      else runs.push(offset, offset)
    }
    return runs
  }

  leasedBy(consumer: Id): number {
    return this.holdings.holders.leased(consumer)
  }

  /** All that `consumer` holds goes back to its place, with no back-off. Returns how many. */
  releaseConsumer(consumer: Id, count: boolean, now: number): number {
    const n = this.leasedBy(consumer)
    if (n === 0) return 0
    for (const offset of this.holdings.holders.offsets(consumer)) {
      this.holdings.giveBack(this.holdings.table.find(offset), offset, count, now, 0)
    }
    this.holdings.unblock()
    return n
  }

  /** When `wake` has something to do, ms; Infinity: never. May be early. */
  nextDue(): number {
    return this.holdings.deadlines.due
  }

  /** Ends the leases and delays that are over. Returns how many leases ran out. */
  wake(now: number): number {
    const { table, deadlines } = this.holdings
    const ended: number[] = []
    deadlines.take(now, ended)
    let expired = 0
    for (const offset of ended) {
      // It may stand there twice: extended to the same end, or given back and delayed just now.
      const slot = table.find(offset)
      if (slot < 0 || table.untils[slot]! > now) continue
      if (table.states[slot] === held.delayed) {
        this.holdings.makeReady(slot, offset, table.bytes[slot]!)
      } else {
        this.holdings.giveBack(slot, offset, true, now)
        expired++
      }
    }
    this.holdings.unblock()
    return expired
  }

  /** Is anything in [first, last] unsettled? What has not appeared yet is. */
  needed(first: number, last: number): boolean {
    return last >= this.frontier || this.holdings.pages.nextUnsettled(first) <= last
  }

  // -- durability
  /** Something happened since the last `writeEntry`. */
  get dirty(): boolean {
    return this.holdings.changes.any
  }

  /** What happened since the last call, for one journal entry; applying it again, or late, changes nothing. */
  writeEntry(w: Writer): void {
    this.holdings.changes.write(w)
  }

  applyEntry(r: Reader): void {
    this.durability.apply(r)
  }

  /**
   * Begins a checkpoint round: the parts to write, the first of them in this same turn. `full`: all of them. Part 0 says
   * how far the queue has come, so it must not be younger than the list of pages; a page that is made later is told by
   * the journal.
   */
  checkpointParts(full: boolean): number[] {
    return this.durability.parts(full)
  }

  /** State of a part as of now; nothing written = it is gone. */
  writePart(part: number, w: Writer): void {
    this.durability.write(part, w)
  }

  /** In any order, before the first entry. */
  restorePart(part: number, r: Reader): void {
    this.durability.restore(part, r)
  }

  /** After the last part and entry: `start` and `end` of the partition. `bytes`: what it keeps, to estimate by. */
  recovered(start: number, end: number, bytes: number): void {
    this.holdings.end = Math.max(this.end, end, this.frontier)
    this.durability.recovered()
    this.trim(start)
    this.readyBytes = end > start ? Math.round((bytes * this.ready) / (end - start)) : 0
  }
}
