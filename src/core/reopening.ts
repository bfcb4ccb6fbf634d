import type { Clock, Timer, Timers } from '../world/index.ts'
import type { BrokerLimits } from './options.ts'

/** Failures closer to one another than this are one trouble. */
const troubleMs = 60_000

/**
 * Opens the store again after it has failed, and tries until that works: soon at first, then more rarely. So a disk that
 * stays bad costs next to nothing, and one that comes and goes does not let go of all clients every second.
 */
export class Reopening {
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly limits: Pick<BrokerLimits, 'reopenMs' | 'reopenMsMax'>
  private tries = 0
  private beganAt = -Infinity
  private running: Promise<void> = Promise.resolve()
  private stopped = false
  private timer: Timer | null = null
  private wake: () => void = () => undefined

  constructor(clock: Clock, timers: Timers, limits: Pick<BrokerLimits, 'reopenMs' | 'reopenMsMax'>) {
    this.clock = clock
    this.timers = timers
    this.limits = limits
  }

  /** `closed`: of the store that failed. `open` rejects when it has to be tried again. */
  begin(closed: Promise<unknown>, open: () => Promise<void>): void {
    const now = this.clock.monotonic()
    if (now - this.beganAt >= troubleMs) this.tries = 0
    this.beganAt = now
    this.running = this.run(closed, open)
  }

  /** Resolves when nothing is under way any more: the store is open, or all is stopped. */
  get over(): Promise<void> {
    return this.running
  }

  private async run(closed: Promise<unknown>, open: () => Promise<void>): Promise<void> {
    await closed.catch(() => undefined) // It had failed before.
    while (!this.stopped && !(await this.attempt(open)));
  }

  /** After a pause; true when it is open. */
  private async attempt(open: () => Promise<void>): Promise<boolean> {
    await this.pause(Math.min(this.limits.reopenMs * 2 ** this.tries++, this.limits.reopenMsMax))
    if (this.stopped) return false
    return open().then(
      () => true,
      () => false, // Whoever opens stores says why.
    )
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
      this.timer = this.timers.after(ms, resolve)
    })
  }

  /** No more tries; resolves when the one under way is over. */
  stop(): Promise<void> {
    this.stopped = true
    this.timer?.cancel()
    this.wake()
    return this.running
  }
}
