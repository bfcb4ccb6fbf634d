import type { Timers } from '../../world/index.ts'

/** What `work` gives, or null when that takes longer than `ms`; it goes on nevertheless. */
export function within<T>(timers: Timers, ms: number, work: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(Math.max(0, ms), () => resolve(null))
    work.then(resolve, reject).finally(() => timer.cancel())
  })
}
