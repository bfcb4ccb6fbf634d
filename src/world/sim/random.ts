import type { Random } from '../clock.ts'

/** Randomness from a seed (the generator "mulberry32"): the same run again for the same seed. */
export class SimRandom implements Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  private u32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count)
    for (let i = 0; i < count; i++) bytes[i] = this.u32() & 0xff
    return bytes
  }

  below(bound: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * bound)
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }
}
