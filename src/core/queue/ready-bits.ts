import { Bits, pageOffsets } from './bits.ts'

/**
 * Bits with a summary above them: one bit for each word that may have some, and one for each word of those; so the first
 * one of a page is found in three steps. A summary bit may be set without need; it is taken back when met.
 */
export class ReadyBits extends Bits {
  private readonly summary = new Uint32Array(pageOffsets / 1024)
  private top = 0

  override set(from: number, to: number): number {
    for (let word = from >>> 5; word << 5 < to; word++) {
      this.summary[word >>> 5]! |= 1 << (word & 31)
      this.top |= 1 << (word >>> 5)
    }
    return super.set(from, to)
  }

  override next(from: number): number {
    const here = super.has(from) ? from : this.inWord(from)
    if (here >= 0) return here
    for (let word = this.nextWord((from >>> 5) + 1); word >= 0; word = this.nextWord(word + 1)) {
      const bits = this.words[word]!
      if (bits !== 0) return (word << 5) + lowest(bits)
      this.summary[word >>> 5]! &= ~(1 << (word & 31))
    }
    return pageOffsets
  }

  private inWord(from: number): number {
    const bits = this.words[from >>> 5]! & (-1 << (from & 31))
    return bits === 0 ? -1 : (from & ~31) + lowest(bits)
  }

  /** The first word at or after `word` that may have bits, or -1. */
  private nextWord(word: number): number {
    if (word === pageOffsets / 32) return -1
    let at = word >>> 5
    let bits = this.summary[at]! & (-1 << (word & 31))
    while (bits === 0) {
      if (this.summary[at] === 0) this.top &= ~(1 << at)
      const above = at === 31 ? 0 : this.top & (-1 << (at + 1))
      if (above === 0) return -1
      at = lowest(above)
      bits = this.summary[at]!
    }
    return (at << 5) + lowest(bits)
  }
}

const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)
