import type { Reader, Writer } from '../../base/index.ts'

/** Runs of offsets [first, last], each with a number; 0 where none is needed. */
export class Runs {
  private readonly firsts: number[] = []
  private readonly lasts: number[] = []
  private readonly values: number[] = []

  get length(): number {
    return this.firsts.length
  }

  /** Grows the last run where it can. */
  add(first: number, last: number, value = 0): void {
    const at = this.firsts.length - 1
    if (at >= 0 && this.lasts[at] === first - 1 && this.values[at] === value) {
      this.lasts[at] = last
      return
    }
    this.firsts.push(first)
    this.lasts.push(last)
    this.values.push(value)
  }

  clear(): void {
    if (this.firsts.length === 0) return
    this.firsts.length = this.lasts.length = this.values.length = 0
  }

  /**
   * Sorted: count uvarint, then for each run: first less the end of the one before (varint, for runs may overlap),
   * length - 1 uvarint, and the value if `valued`.
   */
  write(w: Writer, valued: boolean): void {
    if (this.firsts.length === 0) {
      w.uvarint(0)
      return
    }
    const order = this.sorted()
    w.uvarint(order.length)
    let end = 0
    for (const i of order) {
      w.varint(this.firsts[i]! - end)
      w.uvarint(this.lasts[i]! - this.firsts[i]!)
      if (valued) w.uvarint(this.values[i]!)
      end = this.lasts[i]! + 1
    }
  }

  /** Indexes of the runs by first offset, after joining what then turns out to be adjacent and equal. */
  private sorted(): readonly number[] {
    const { firsts, lasts, values } = this
    if (firsts.length === 1) return only
    const order = firsts.map((_, i) => i)
    if (firsts.some((first, i) => i > 0 && first < firsts[i - 1]!)) order.sort((a, b) => firsts[a]! - firsts[b]!)
    let kept = 0
    for (const i of order) {
      const before = order[kept - 1]
      if (kept > 0 && lasts[before!] === firsts[i]! - 1 && values[before!] === values[i]) lasts[before!] = lasts[i]!
      else order[kept++] = i
    }
    order.length = kept
    return order
  }
}

/** The order of one run alone. Never changed. */
const only: readonly number[] = [0]

/** Calls `visit(first, last, value)` for each run that `Runs.write` wrote. */
export function readRuns(
  r: Reader,
  valued: boolean,
  visit: (first: number, last: number, value: number) => void,
): void {
  let end = 0
  for (let n = r.uvarint(); n > 0; n--) {
    const first = end + r.varint()
    const last = first + r.uvarint()
    visit(first, last, valued ? r.uvarint() : 0)
    end = last + 1
  }
}
