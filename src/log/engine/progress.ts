/** Upper bounds of the commit time's histogram, ms. */
export const commitMsBounds: readonly number[] = [
  0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000,
]

const recentCount = 512

/** How long commits take: a histogram since the start, and the recent ones for the cleaner's speed. */
export class CommitTimes {
  count = 0
  sumMs = 0
  readonly counts = new Array<number>(commitMsBounds.length + 1).fill(0)
  private readonly recent = new Float64Array(recentCount)

  add(ms: number): void {
    this.recent[this.count++ % recentCount] = ms
    this.sumMs += ms
    let i = 0
    while (i < commitMsBounds.length && ms > commitMsBounds[i]!) i++
    this.counts[i]!++
  }

  /** 99th percentile of the last 512; 0 before the first. */
  recentP99(): number {
    const sorted = this.recent.slice(0, Math.min(this.count, recentCount)).sort()
    return sorted.length === 0 ? 0 : sorted[Math.floor((sorted.length - 1) * 0.99)]!
  }
}

interface Waiter {
  commit: number
  resolve: () => void
  reject: (error: Error) => void
}

/** Those who wait for a commit, in the order of its number as a rule. */
export class Waiters {
  private waiting: Waiter[] = []
  private error: Error | null = null

  /** Rejects when the store fails. */
  wait(commit: number): Promise<void> {
    if (this.error !== null) return Promise.reject(this.error)
    return new Promise((resolve, reject) => this.waiting.push({ commit, resolve, reject }))
  }

  reached(commit: number): void {
    if (this.waiting.length === 0) return
    const due = this.waiting.filter((waiter) => waiter.commit <= commit)
    if (due.length === 0) return
    this.waiting = this.waiting.filter((waiter) => waiter.commit > commit)
    for (const waiter of due) waiter.resolve()
  }

  fail(error: Error): void {
    this.error = error
    for (const waiter of this.waiting) waiter.reject(error)
    this.waiting = []
  }
}
