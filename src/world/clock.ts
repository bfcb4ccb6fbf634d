/** Time as the broker sees it. */
export interface Clock {
  /** Milliseconds since 1970, UTC, to count with: ages, times to live, delays. Does not jump; see `SteadyClock`. */
  now(): number
  /** The same as the machine says it, to be shown to people and written into messages: may jump either way. */
  wall(): number
  /** Milliseconds since some fixed point, with a fraction. */
  monotonic(): number
  /** Milliseconds that the machine has slept since it was first asked, in which monotonic time stood still. */
  asleep(): number
  /** Time is to go on from `ms`, where that is later. */
  goOnFrom?(ms: number): void
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
