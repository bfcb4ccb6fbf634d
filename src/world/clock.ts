/** Time as the broker sees it. Wall time may jump either way; monotonic time never goes back. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /** Milliseconds since some fixed point, with a fraction. */
  monotonic(): number
}

export interface Timer {
  cancel(): void
}

export interface Timers {
  /** Calls `run` once, not before `delayMs` have passed. */
  after(delayMs: number, run: () => void): Timer
  /** Calls `run` when all input that is there now has been handled: the end of this turn. */
  endOfTurn(run: () => void): void
}

export interface Random {
  bytes(count: number): Buffer
  /** An integer, 0 <= n < bound (bound <= 2^32). */
  below(bound: number): number
}
