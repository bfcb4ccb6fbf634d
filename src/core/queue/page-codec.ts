import type { Reader, Writer } from '../../base/index.ts'
import type { Bits } from './bits.ts'
import { pageOffsets } from './bits.ts'
import type { Page } from './page.ts'
import { readRuns, Runs } from './runs.ts'

/** Above this many runs the bits themselves are shorter. */
const runsMax = 1024

/** runs uvarint (+ 1; 0: the bits as they are, 4 KiB little-endian), then the runs of settled offsets in the page. */
export function writeSettled(w: Writer, settled: Bits): void {
  const runs = new Runs()
  for (let bit = settled.next(0); bit < pageOffsets && runs.length <= runsMax;) {
    const end = settled.nextClear(bit)
    runs.add(bit, end - 1)
    bit = end === pageOffsets ? end : settled.next(end)
  }
  w.u8(runs.length <= runsMax ? 1 : 0)
  if (runs.length <= runsMax) return runs.write(w, false)
  for (const word of settled.words) w.u32LE(word)
}

export function readSettled(r: Reader, settled: Bits): void {
  if (r.u8() === 1) return readRuns(r, false, (first, last) => void settled.set(first, last + 1))
  for (let word = 0; word < settled.words.length; word++) {
    const bits = r.u32LE()
    for (let bit = 0; bit < 32; bit++) {
      if ((bits & (1 << bit)) !== 0) settled.set(word * 32 + bit, word * 32 + bit + 1)
    }
  }
}

/** Deliveries of what is not settled; `delivery(bit)`: of one that is out now, or 0. */
export function writeCounts(w: Writer, page: Page, delivery: (bit: number) => number): void {
  const runs = new Runs()
  for (let bit = page.settled.nextClear(0); bit < pageOffsets; bit = nextUnsettled(page, bit + 1)) {
    const count = page.ready.has(bit) ? page.count(bit) : Math.max(page.count(bit), delivery(bit))
    if (count > 0) runs.add(bit, bit, count)
  }
  runs.write(w, true)
}

const nextUnsettled = (page: Page, from: number): number =>
  from >= pageOffsets ? pageOffsets : page.settled.nextClear(from)

export function readCounts(r: Reader, page: Page): void {
  readRuns(r, true, (first, last, count) => {
    for (let bit = first; bit <= last; bit++) page.setCount(bit, count)
  })
}
