import { assert } from '../../base/index.ts'
import { bitOf, pageOf, pageOffsets } from './bits.ts'
import { Page } from './page.ts'

/**
 * The offsets of one queue: all below `floor` are settled, none from `frontier` on was looked at; between them there is
 * a page where something is unsettled, and none where all is settled. Ranges are [first, last].
 */
export class Pages {
  floor: number
  frontier: number
  /** Below the frontier. */
  ready = 0
  readonly byIndex = new Map<number, Page>()
  /** No page below this index has anything ready. */
  private readyFrom = 0

  constructor(start: number) {
    this.floor = this.frontier = start
  }

  reset(start: number): void {
    this.byIndex.clear()
    this.floor = this.frontier = start
    this.ready = this.readyFrom = 0
  }

  /** Where all up to the frontier is settled no page is needed: the next `look` makes it again. */
  rest(): void {
    if (this.floor === this.frontier) this.byIndex.clear()
  }

  page(offset: number): Page | undefined {
    return this.byIndex.get(pageOf(offset))
  }

  /** `offset` is between floor and frontier. */
  isSettled(offset: number): boolean {
    return this.page(offset)?.settled.has(bitOf(offset)) ?? true
  }

  isReady(offset: number): boolean {
    return this.page(offset)?.ready.has(bitOf(offset)) ?? false
  }

  count(offset: number): number {
    return this.page(offset)?.count(bitOf(offset)) ?? 0
  }

  /** It is not settled. */
  setCount(offset: number, count: number): void {
    this.page(offset)!.setCount(bitOf(offset), count)
  }

  /** Moves the frontier up to `to`; what it passes is ready, or left for the caller to say. */
  look(to: number, ready: boolean): void {
    while (this.frontier < to) {
      const index = pageOf(this.frontier)
      const from = bitOf(this.frontier)
      const until = Math.min(to - index * pageOffsets, pageOffsets)
      let page = this.byIndex.get(index)
      if (page === undefined) {
        this.byIndex.set(index, (page = new Page()))
        page.settled.set(0, from)
      }
      page.changed = true
      if (ready) {
        this.ready += page.ready.set(from, until)
        if (index < this.readyFrom) this.readyFrom = index
      }
      this.frontier = index * pageOffsets + until
    }
  }

  /** Ready ones of the range are not ready any more. Returns how many. */
  takeReady(first: number, last: number): number {
    let n = 0
    for (let at = first; at <= last && this.ready - n > 0; at = (pageOf(at) + 1) * pageOffsets) {
      const page = this.page(at)
      if (page === undefined || page.ready.count === 0) continue
      n += page.ready.clear(bitOf(at), bitsUpTo(at, last))
      page.changed = true
    }
    this.ready -= n
    return n
  }

  giveReady(offset: number): void {
    const index = pageOf(offset)
    const bit = bitOf(offset)
    this.ready += this.byIndex.get(index)!.ready.set(bit, bit + 1)
    if (index < this.readyFrom) this.readyFrom = index
  }

  /**
   * Nothing of the range is ready. It may begin or end beyond the frontier, which then moves: page by page, so that few
   * are there at one time. Returns how many were not settled yet.
   */
  settle(first: number, last: number): number {
    let n = 0
    for (let at = Math.max(first, this.floor); at <= last; at = (pageOf(at) + 1) * pageOffsets) {
      this.look(Math.min(last + 1, (pageOf(at) + 1) * pageOffsets), false)
      const page = this.page(at)
      if (page === undefined) continue
      n += page.settled.set(bitOf(at), bitsUpTo(at, last))
      page.changed = true
      if (page.settled.count === pageOffsets) this.byIndex.delete(pageOf(at))
    }
    if (first <= this.floor) this.advance()
    return n
  }

  /** The first unsettled offset at or after `from`; the frontier if there is none before it. */
  nextUnsettled(from: number): number {
    let at = Math.max(from, this.floor)
    while (at < this.frontier) {
      const page = this.page(at)
      const bit = page === undefined ? pageOffsets : page.settled.nextClear(bitOf(at))
      if (bit < pageOffsets) return Math.min(pageOf(at) * pageOffsets + bit, this.frontier)
      at = (pageOf(at) + 1) * pageOffsets
    }
    return this.frontier
  }

  private advance(): void {
    this.floor = this.nextUnsettled(this.floor)
  }

  /** The first ready offset at or after `from`, below the frontier; or -1. */
  nextReady(from: number): number {
    if (this.ready === 0) return -1
    const lowest = Math.max(this.readyFrom * pageOffsets, this.floor)
    let at = Math.max(from, lowest)
    const skipped = from <= lowest
    while (at < this.frontier) {
      const index = pageOf(at)
      const page = this.byIndex.get(index)
      const bit = page === undefined || page.ready.count === 0 ? pageOffsets : page.ready.next(bitOf(at))
      if (bit < pageOffsets) {
        if (skipped) this.readyFrom = index
        return index * pageOffsets + bit
      }
      at = (index + 1) * pageOffsets
    }
    return -1
  }

  /** How many from the ready `first` on are ready with the same count; at most `max`, none beyond its page. */
  run(first: number, max: number): number {
    return this.page(first)!.run(bitOf(first), max)
  }

  /** After recovery: what is not settled is ready. */
  derive(): void {
    this.ready = this.readyFrom = 0
    for (const [index, page] of this.byIndex) {
      const start = index * pageOffsets
      const end = Math.min(this.frontier - start, pageOffsets)
      page.settled.set(0, Math.max(0, Math.min(this.floor - start, pageOffsets)))
      if (end <= 0 || page.settled.count === pageOffsets) {
        this.byIndex.delete(index)
        continue
      }
      for (let bit = page.settled.nextClear(0); bit < end;) {
        const until = Math.min(page.settled.next(bit), end)
        this.ready += page.ready.set(bit, until)
        bit = page.settled.nextClear(until)
      }
    }
    assert(this.floor <= this.frontier, 'a queue has settled what it never looked at')
    this.advance()
  }
}

/** End of [at, last] within the page of `at`. */
const bitsUpTo = (at: number, last: number): number => Math.min(last + 1 - pageOf(at) * pageOffsets, pageOffsets)
