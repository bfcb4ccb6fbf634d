import { Bits, pageOffsets } from './bits.ts'
import { ReadyBits } from './ready-bits.ts'

/** A stretch of offsets between floor and frontier of which at least one is not settled. */
export class Page {
  /** Also what is below the first offset that the queue ever wanted. */
  readonly settled = new Bits()
  readonly ready = new ReadyBits()
  /** Deliveries so far; made with the first one that counts. */
  counts: Uint16Array | null = null
  /** Since its last checkpoint. */
  changed = true

  count(bit: number): number {
    return this.counts === null ? 0 : this.counts[bit]!
  }

  setCount(bit: number, count: number): void {
    if (this.count(bit) === count) return
    this.counts ??= new Uint16Array(pageOffsets)
    this.counts[bit] = count
    this.changed = true
  }

  /** How many bits from the ready `bit` on are ready, with the same count; at most `max`. */
  run(bit: number, max: number): number {
    const length = Math.min(max, this.ready.nextClear(bit) - bit)
    if (this.counts === null) return length
    const count = this.counts[bit]
    let n = 1
    while (n < length && this.counts[bit + n] === count) n++
    return n
  }
}
