import type { Timer, Timers } from '../clock.ts'

/** The longest delay the runtime takes; a longer one would fire at once. */
const delayMsMax = 2 ** 31 - 1

class SystemTimer implements Timer {
  readonly #pending: Set<SystemTimer>
  readonly #run: () => void
  #handle: NodeJS.Timeout

  constructor(pending: Set<SystemTimer>, delayMs: number, run: () => void) {
    this.#pending = pending
    this.#run = run
    pending.add(this)
    this.#handle = this.#arm(delayMs)
  }

  #arm(delayMs: number): NodeJS.Timeout {
    if (delayMs <= delayMsMax) return setTimeout(() => this.#fire(), delayMs)
    return setTimeout(() => (this.#handle = this.#arm(delayMs - delayMsMax)), delayMsMax)
  }

  #fire(): void {
    this.#pending.delete(this)
    this.#run()
  }

  cancel(): void {
    this.#pending.delete(this)
    clearTimeout(this.#handle)
  }
}

let turn: (() => void)[] = []

/** One immediate for all that want the end of this turn; what they add themselves waits for the next one. */
function runTurn(): void {
  const due = turn
  turn = []
  let index = 0
  try {
    while (index < due.length) due[index++]!()
  } finally {
    // A callback that throws must not take the others with it.
    if (index < due.length) {
      turn = due.slice(index).concat(turn)
      setImmediate(runTurn)
    }
  }
}

/** The timers of one broker, so that its end can be the end of all of them. */
export class SystemTimers implements Timers {
  readonly #pending = new Set<SystemTimer>()

  after(delayMs: number, run: () => void): Timer {
    return new SystemTimer(this.#pending, delayMs, run)
  }

  endOfTurn(run: () => void): void {
    if (turn.push(run) === 1) setImmediate(runTurn)
  }

  /** Cancels what still waits: one forgotten timer would keep the program alive that the broker ran in. */
  stop(): void {
    for (const timer of [...this.#pending]) timer.cancel()
  }
}

/** Those of the process. */
export const systemTimers = new SystemTimers()
