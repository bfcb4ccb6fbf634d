import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Of both halves. A larger one saved no time with a queue or a log under full load (measured). */
const youngBytesMax = 8 * 1024 * 1024

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0

/** The old generation is collected when it has grown by this much over what lived: 10,000 logs then take 60 MB less. */
const oldGrowthPercent = 25

/**
 * Bounds what the heap of this process takes beyond what lives in it. The runtime would let the young generation grow
 * to 128 MiB, and with a broker's buffers passing through it does. There is a flag for the size, but only for the
 * command line; how it grows is looked up each time, so growth ends when it has become large enough. (The runtime makes
 * it small again when it is idle.)
 */
export function boundHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${oldGrowthPercent}`)
  let growing = true
  const observer = new PerformanceObserver(() => {
    const small = youngBytes() < youngBytesMax
    if (small === growing) return
    growing = small
    setFlagsFromString(`--semi-space-growth-factor=${small ? 2 : 1}`)
  })
  observer.observe({ entryTypes: ['gc'] })
}
