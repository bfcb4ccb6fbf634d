import type { Clock, Timer, Timers } from '../clock.ts'

interface Waiting {
  due: number
  order: number
  run: (() => void) | null
}

/**
 * Clock and timers of a simulated run: time passes only in `advance`. Work that is due runs one by one, and what
 * promises resolved by it runs before the next.
 */
export class SimTime implements Clock, Timers {
  /** Added to the wall clock only: a jump of it. */
  wallShiftMs = 0
  private elapsedMs = 0
  private orders = 0
  private waiting: Waiting[] = []
  private turn: (() => void)[] = []
  private readonly startMs: number

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.startMs = startMs
  }

  now(): number {
    return this.startMs + Math.floor(this.elapsedMs) + this.wallShiftMs
  }

  wall(): number {
    return this.now()
  }

  asleep(): number {
    return 0
  }

  monotonic(): number {
    return this.elapsedMs
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Waiting = { due: this.elapsedMs + Math.max(0, delayMs), order: this.orders++, run }
    let at = this.waiting.length
    while (at > 0 && this.waiting[at - 1]!.due > entry.due) at--
    this.waiting.splice(at, 0, entry)
    return { cancel: () => void (entry.run = null) }
  }

  endOfTurn(run: () => void): void {
    this.turn.push(run)
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsedMs + ms
    await this.settle()
    for (let next = this.waiting[0]; next !== undefined && next.due <= end; next = this.waiting[0]) {
      this.waiting.shift()
      this.elapsedMs = Math.max(this.elapsedMs, next.due)
      next.run?.()
      await this.settle()
    }
    this.elapsedMs = end
  }

  /** Runs what can run without time passing. Rejects where that has no end: a real processor would be kept busy with it. */
  async settle(): Promise<void> {
    await promisesRun()
    let turns = 0
    for (let run = this.turn.shift(); run !== undefined; run = this.turn.shift()) {
      if (++turns > turnsMax) throw new Error(`after ${turnsMax} turns there is still something to do`)
      run()
      await promisesRun()
    }
  }

  /** The machine stops here: nothing that waits will run. Time goes on for the next one. */
  crash(): void {
    this.waiting = []
    this.turn = []
  }

  /** Timers of one process: nothing of it runs after `stop`, and time goes on for the others. */
  process(): Timers & { stop(): void } {
    let alive = true
    const guard = (run: () => void) => () => {
      if (alive) run()
    }
    return {
      after: (delayMs, run) => this.after(delayMs, guard(run)),
      endOfTurn: (run) => this.endOfTurn(guard(run)),
      stop: () => (alive = false),
    }
  }

  /** Waits for `promise`, letting time pass as it needs; rejects after `limitMs`. */
  async until<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    const state = { pending: true }
    const watched = promise.finally(() => void (state.pending = false))
    watched.catch(() => undefined)
    const end = this.elapsedMs + limitMs
    await this.settle()
    while (state.pending && this.elapsedMs < end) await this.advance(this.nextStepMs())
    if (state.pending) throw new Error(`still waiting after ${limitMs} ms of simulated time`)
    return watched
  }

  /** To the next timer; a little when there is none near, for promises alone may be at work. */
  private nextStepMs(): number {
    const due = this.waiting[0]?.due ?? Infinity
    return Math.min(100, Math.max(0.01, due - this.elapsedMs))
  }
}

/** Turns without a moment between them. */
const turnsMax = 10_000

/** Chains of promises in the log are shorter than this between two events. */
const promiseTurns = 64

async function promisesRun(): Promise<void> {
  for (let i = 0; i < promiseTurns; i++) await Promise.resolve()
}
