import { DueHeap } from './due-heap.ts'
import type { HeldTable } from './held-table.ts'

/** Lease lengths with a line of their own; the rest, and what comes out of order, goes to the heap. */
const linesMax = 64

/** Leases of one length end in the order in which they began. Runs of offsets in three columns. */
class Line {
  firsts: number[] = []
  counts: number[] = []
  untils: number[] = []
  head = 0
}

/**
 * When leases and delays end. What ended otherwise stays behind until its time, or until such entries are the most: then
 * all is built anew from the table. An entry counts only if the table still says the same.
 */
export class Deadlines {
  private readonly table: HeldTable
  private readonly lines = new Map<number, Line>()
  private readonly heap = new DueHeap()
  private inLines = 0

  constructor(table: HeldTable) {
    this.table = table
  }

  /** A run of leases that begin now and end at `until`. */
  add(first: number, count: number, leaseMs: number, until: number): void {
    if (until === Infinity) return
    this.tidy()
    const line = this.line(leaseMs)
    if (line === null || (line.untils.length > line.head && line.untils.at(-1)! > until)) {
      for (let i = 0; i < count; i++) this.heap.push(first + i, until)
      return
    }
    line.firsts.push(first)
    line.counts.push(count)
    line.untils.push(until)
    this.inLines += count
  }

  /** Something that ends at `until`. */
  addOne(offset: number, until: number): void {
    this.tidy()
    this.heap.push(offset, until)
  }

  /** When something may end; Infinity: never. */
  get due(): number {
    let due = this.heap.due
    for (const line of this.lines.values()) {
      if (line.head < line.untils.length && line.untils[line.head]! < due) due = line.untils[line.head]!
    }
    return due
  }

  /** Takes out what is due, and appends to `ended` the offsets of which that is true: rising within each run. */
  take(now: number, ended: number[]): void {
    while (this.heap.due <= now) {
      const due = this.heap.due
      this.check(this.heap.pop(), due, ended)
    }
    for (const [leaseMs, line] of this.lines) {
      for (; line.head < line.untils.length && line.untils[line.head]! <= now; line.head++) {
        const first = line.firsts[line.head]!
        const count = line.counts[line.head]!
        for (let i = 0; i < count; i++) this.check(first + i, line.untils[line.head]!, ended)
        this.inLines -= count
      }
      if (line.head === line.untils.length) this.lines.delete(leaseMs)
      else if (line.head > 1024) shrink(line)
    }
  }

  clear(): void {
    this.lines.clear()
    this.heap.clear()
    this.inLines = 0
  }

  private check(offset: number, until: number, ended: number[]): void {
    const slot = this.table.find(offset)
    if (slot >= 0 && this.table.untils[slot] === until) ended.push(offset)
  }

  private line(leaseMs: number): Line | null {
    let line = this.lines.get(leaseMs)
    if (line === undefined && this.lines.size < linesMax) this.lines.set(leaseMs, (line = new Line()))
    return line ?? null
  }

  private tidy(): void {
    if (this.inLines + this.heap.size <= 2 * this.table.size + 4096) return
    this.clear()
    this.table.forEach((slot) => {
      const until = this.table.untils[slot]!
      if (until !== Infinity) this.heap.push(this.table.offsets[slot]!, until)
    })
  }
}

function shrink(line: Line): void {
  line.firsts.splice(0, line.head)
  line.counts.splice(0, line.head)
  line.untils.splice(0, line.head)
  line.head = 0
}
