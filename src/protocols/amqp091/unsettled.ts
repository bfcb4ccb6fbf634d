import type { Id, OffsetRange } from '../../core/index.ts'
import type { Consumer } from './consumer.ts'

/** What was delivered in one go: delivery tags and offsets both rise by one from message to message. */
interface Run {
  firstTag: number
  count: number
  subscription: Id
  partition: number
  firstOffset: number
  attempt: number
  /** Null: taken by basic.get. */
  consumer: Consumer | null
  left: number
  /** 1 = settled; made when the first message out of order is. */
  settled: Uint8Array | null
}

/** Settled together: messages of one run, next to one another. */
export interface SettledRange extends OffsetRange {
  subscription: Id
  attempt: number
  consumer: Consumer | null
}

const deadMin = 16

export type Take = (range: SettledRange) => void

/**
 * The deliveries of one channel that wait for their answer, in the order of their tags. A run costs one object however
 * many messages it has; settling from the front, as clients mostly do, is a change of two numbers.
 */
export class Unsettled {
  private runs: Run[] = []
  private head = 0
  /** Runs behind the head of which nothing waits; the head is none. */
  private dead = 0
  /** Messages that wait. */
  count = 0

  add(run: Omit<Run, 'left' | 'settled'>): void {
    this.runs.push({ ...run, left: run.count, settled: null })
    this.count += run.count
  }

  /** False: no such tag waits. */
  settle(tag: number, take: Take): boolean {
    if (!this.waits(tag, false)) return false
    const at = this.find(tag)
    const run = this.runs[at]!
    const index = tag - run.firstTag
    if (index === 0 && run.settled === null) {
      this.advance(run, 1, take)
    } else {
      run.settled ??= new Uint8Array(run.count)
      run.settled[index] = 1
      run.left--
      this.count--
      take(rangeOf(run, index, 1))
    }
    if (run.left > 0) return true
    if (at === this.head) this.shift()
    else if (++this.dead >= deadMin && this.dead * 2 > this.runs.length - this.head) this.compact()
    return true
  }

  /** Would settling this tag, or all up to it, be right? */
  waits(tag: number, multiple: boolean): boolean {
    if (multiple && tag === 0) return true
    const run = this.runs[this.find(tag)]
    if (run === undefined || run.left === 0 || tag < run.firstTag || tag >= run.firstTag + run.count) return false
    return run.settled?.[tag - run.firstTag] !== 1
  }

  /** All up to and including `tag`; 0 = all there are. False: `tag` does not wait. */
  settleUpTo(tag: number, take: Take): boolean {
    if (tag === 0) {
      this.settleAll(take)
      return true
    }
    if (!this.waits(tag, true)) return false
    this.settleThrough(tag, take)
    return true
  }

  /** The same, whether `tag` itself waits or not. */
  settleThrough(tag: number, take: Take): void {
    while (this.head < this.runs.length && this.runs[this.head]!.firstTag <= tag) {
      const run = this.runs[this.head]!
      const count = Math.min(tag - run.firstTag + 1, run.count)
      this.settleFront(run, count, take)
      if (run.left > 0) break
      this.shift()
    }
  }

  settleAll(take: Take): void {
    for (; this.head < this.runs.length; this.shift()) {
      const run = this.runs[this.head]!
      this.settleFront(run, run.count, take)
    }
  }

  private settleFront(run: Run, count: number, take: Take): void {
    if (run.settled === null) return this.advance(run, count, take)
    let from = 0
    while (from < count) {
      if (run.settled[from] === 1) {
        from++
        continue
      }
      let end = from
      while (end < count && run.settled[end] === 0) run.settled[end++] = 1
      run.left -= end - from
      this.count -= end - from
      take(rangeOf(run, from, end - from))
      from = end
    }
  }

  private advance(run: Run, count: number, take: Take): void {
    if (count === 0) return
    take(rangeOf(run, 0, count))
    run.firstTag += count
    run.firstOffset += count
    run.count -= count
    run.left -= count
    this.count -= count
  }

  /** The last run that begins at or before `tag`; runs that are all settled may still lie among the others. */
  private find(tag: number): number {
    let low = this.head
    let high = this.runs.length - 1
    if (low <= high && tag < this.runs[low]!.firstTag + this.runs[low]!.count) return low
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.runs[middle]!.firstTag <= tag) low = middle
      else high = middle - 1
    }
    return low
  }

  /** One message that is kept for long must not keep all that was delivered behind it. */
  private compact(): void {
    this.runs = this.runs.slice(this.head).filter((run) => run.left > 0)
    this.head = this.dead = 0
  }

  private shift(): void {
    this.head++
    for (; this.head < this.runs.length && this.runs[this.head]!.left === 0; this.dead--) this.head++
    if (this.head < 512 || this.head * 2 < this.runs.length) return
    this.runs = this.runs.slice(this.head)
    this.head = 0
  }
}

function rangeOf(run: Run, from: number, count: number): SettledRange {
  const first = run.firstOffset + from
  return {
    subscription: run.subscription,
    partition: run.partition,
    first,
    last: first + count - 1,
    attempt: run.attempt,
    consumer: run.consumer,
  }
}
