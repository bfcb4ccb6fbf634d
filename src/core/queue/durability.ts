import type { Reader, Writer } from '../../base/index.ts'
import { pageOffsets } from './bits.ts'
import { readChanges } from './changes.ts'
import type { EntryVisitor } from './changes.ts'
import { held } from './held-table.ts'
import type { Holdings } from './holdings.ts'
import { Page } from './page.ts'
import { readCounts, readSettled, writeCounts, writeSettled } from './page-codec.ts'
import { readRuns, Runs } from './runs.ts'

/**
 * How a queue outlives the process. Entries and parts say what holds from then on (settled, delivered n times), so that
 * applying one again, or late, changes nothing (storage F2). Part 0 is how far the queue has come; part n + 1 is page n.
 * A page below that frontier that has no part is all settled.
 */
export class Durability implements EntryVisitor {
  private readonly holdings: Holdings
  /** Pages that the checkpoint has. */
  private readonly stored = new Set<number>()
  /** What part 0 said last. */
  private headed = ''

  constructor(holdings: Holdings) {
    this.holdings = holdings
  }

  // -- journal
  apply(r: Reader): void {
    const counts = this.readGeneration(r)
    readChanges(r, counts ? this : null)
  }

  settled(first: number, last: number): void {
    this.holdings.pages.settle(first, last)
  }

  delivered(first: number, last: number, attempt: number): void {
    const { pages } = this.holdings
    pages.look(last + 1, false)
    for (let offset = Math.max(first, pages.floor); offset <= last; offset++) {
      if (!pages.isSettled(offset) && pages.count(offset) < attempt) pages.setCount(offset, attempt)
    }
  }

  parked(first: number, last: number): void {
    const { pages, table } = this.holdings
    pages.look(last + 1, false)
    for (let offset = Math.max(first, pages.floor); offset <= last; offset++) {
      if (!pages.isSettled(offset) && table.find(offset) < 0) this.holdings.hold(offset, held.parked)
    }
  }

  // -- checkpoint
  /** See `LeaseQueue.checkpointParts`. */
  parts(full: boolean): number[] {
    const { pages } = this.holdings
    const parts: number[] = []
    this.holdings.rest()
    if (full) this.stored.clear()
    for (const [index, page] of pages.byIndex) {
      if (!full && !page.changed && this.stored.has(index)) continue
      parts.push(index + 1)
      this.stored.add(index)
    }
    for (const index of this.stored) if (!pages.byIndex.has(index)) parts.push(index + 1)
    if (full || parts.length > 0 || this.headed !== this.head()) parts.unshift(0)
    return parts
  }

  write(part: number, w: Writer): void {
    const { pages, changes } = this.holdings
    const page = pages.byIndex.get(part - 1)
    if (part === 0) {
      this.headed = this.head()
      changes.writeGeneration(w)
      w.uvarint(pages.floor)
      w.uvarint(pages.frontier)
    } else if (page === undefined) {
      this.stored.delete(part - 1)
    } else {
      changes.writeGeneration(w)
      this.writePage(page, (part - 1) * pageOffsets, w)
    }
  }

  private head(): string {
    const { pages, changes } = this.holdings
    return `${changes.generation} ${pages.floor} ${pages.frontier}`
  }

  private writePage(page: Page, start: number, w: Writer): void {
    const { table } = this.holdings
    page.changed = false
    writeSettled(w, page.settled)
    const parked = new Runs()
    writeCounts(w, page, (bit) => {
      const slot = table.find(start + bit)
      if (slot >= 0 && table.states[slot] === held.parked) parked.add(bit, bit)
      return slot < 0 ? 0 : table.attempts[slot]!
    })
    parked.write(w, false)
  }

  restore(part: number, r: Reader): void {
    const { pages } = this.holdings
    if (!this.readGeneration(r)) return
    if (part === 0) {
      pages.floor = r.uvarint()
      pages.frontier = r.uvarint()
    } else {
      pages.byIndex.set(part - 1, this.readPage((part - 1) * pageOffsets, r))
      this.stored.add(part - 1)
    }
  }

  private readPage(start: number, r: Reader): Page {
    const page = new Page()
    readSettled(r, page.settled)
    readCounts(r, page)
    readRuns(r, false, (first, last) => {
      for (let bit = first; bit <= last; bit++) this.holdings.hold(start + bit, held.parked)
    })
    page.changed = false
    return page
  }

  /** All was read: what is neither settled nor parked is ready. */
  recovered(): void {
    const { pages, table } = this.holdings
    pages.derive()
    for (const offset of this.holdings.inState(held.parked)) {
      const stays = offset >= pages.floor && pages.takeReady(offset, offset) === 1
      if (!stays) this.holdings.unhold(table.find(offset), offset)
    }
  }

  private readGeneration(r: Reader): boolean {
    const { changes } = this.holdings
    return changes.readGeneration(r, (generation, start) => this.holdings.restart(generation, start))
  }
}
