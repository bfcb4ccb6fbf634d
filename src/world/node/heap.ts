import { availableParallelism } from 'node:os'
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'

/** Of both halves. A larger one saved no time with a queue or a log under full load (measured). */
const youngBytesMax = 8 * 1024 * 1024

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0

/**
 * With fewer processors the threads that help to collect the young generation take from whoever else works: alone it takes
 * an eighth longer, and the helpers' time is saved (measured on two).
 */
const helpedFrom = 4

/** The old generation is collected when it has grown by this much over what lived: 10,000 logs then take 60 MB less. */
const oldGrowthPercent = 25

/** How much more than the `liveBytes` of now there may be before the next collection, when `freeBytes` cost nothing. */
export const growthPercent = (liveBytes: number, freeBytes: number): number =>
  Math.max(oldGrowthPercent, Math.floor((freeBytes / liveBytes - 1) * 100))

/**
 * Bounds what the heap of this process takes beyond what lives in it. The runtime would let the young generation grow
 * to 128 MiB, and with a broker's buffers passing through it does. There is a flag for the size, but only for the
 * command line; how it grows is looked up each time, so growth ends when it has become large enough. (The runtime makes
 * it small again when it is idle.)
 *
 * The old generation may take `freeBytes` before its growth counts. Buffers count as its growth, too: a small heap with
 * many bytes passing through would be collected for every 5 MB of them, which took a quarter of the processor time
 * (measured; 64 MiB took none that could be seen).
 */
export function boundHeap(freeBytes: number): void {
  setFlagsFromString(`--heap-growing-percent=${oldGrowthPercent}`)
  if (availableParallelism() < helpedFrom) setFlagsFromString('--no-parallel-scavenge')
  let growing = true
  let percent = oldGrowthPercent
  const observer = new PerformanceObserver((collections) => {
    // Only what a whole collection has left lives; it holds for the limit that the next one sets.
    const wanted = collections.getEntries().some(isWhole)
      ? growthPercent(getHeapStatistics().used_heap_size, freeBytes)
      : percent
    if (wanted !== percent) setFlagsFromString(`--heap-growing-percent=${(percent = wanted)}`)
    const small = youngBytes() < youngBytesMax
    if (small === growing) return
    growing = small
    setFlagsFromString(`--semi-space-growth-factor=${small ? 2 : 1}`)
  })
  observer.observe({ entryTypes: ['gc'] })
}

const isWhole = (collection: PerformanceEntry): boolean =>
  (collection as PerformanceEntry & { detail: { kind: number } }).detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR
