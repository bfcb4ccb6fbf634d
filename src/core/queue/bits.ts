import { assert } from '../../base/index.ts'

/** Offsets in a page. */
export const pageOffsets = 32_768
const wordsCount = pageOffsets / 32

export const pageOf = (offset: number): number => Math.floor(offset / pageOffsets)
export const bitOf = (offset: number): number => offset % pageOffsets

/** One bit for each offset of a page, and how many are set. Ranges are [from, to). */
export class Bits {
  readonly words = new Uint32Array(wordsCount)
  count = 0

  has(bit: number): boolean {
    return (this.words[bit >>> 5]! & (1 << (bit & 31))) !== 0
  }

  /** Returns how many it changed. */
  set(from: number, to: number): number {
    let changed = 0
    for (let word = from >>> 5; word << 5 < to; word++) {
      const mask = maskOf(word, from, to)
      const before = this.words[word]!
      this.words[word] = before | mask
      changed += popcount(mask & ~before)
    }
    this.count += changed
    return changed
  }

  /** Returns how many it changed. */
  clear(from: number, to: number): number {
    let changed = 0
    for (let word = from >>> 5; word << 5 < to; word++) {
      const mask = maskOf(word, from, to)
      const before = this.words[word]!
      this.words[word] = before & ~mask
      changed += popcount(mask & before)
    }
    this.count -= changed
    return changed
  }

  /** The first set bit at or after `from`; `pageOffsets` when there is none. */
  next(from: number): number {
    return this.scan(from, 0)
  }

  /** The first clear one. */
  nextClear(from: number): number {
    return this.scan(from, -1)
  }

  private scan(from: number, flip: number): number {
    assert(from <= pageOffsets, 'a bit beyond its page')
    let word = from >>> 5
    if (word === wordsCount) return pageOffsets
    let found = (this.words[word]! ^ flip) & (-1 << (from & 31))
    while (found === 0) {
      if (++word === wordsCount) return pageOffsets
      found = this.words[word]! ^ flip
    }
    return (word << 5) + (31 - Math.clz32(found & -found))
  }
}

/** The bits of `word` that are in [from, to). */
function maskOf(word: number, from: number, to: number): number {
  const start = word << 5
  const low = from > start ? -1 << (from - start) : -1
  const high = to - start >= 32 ? -1 : ~(-1 << (to - start))
  return low & high
}

function popcount(word: number): number {
  let x = word - ((word >>> 1) & 0x5555_5555)
  x = (x & 0x3333_3333) + ((x >>> 2) & 0x3333_3333)
  return Math.imul((x + (x >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
