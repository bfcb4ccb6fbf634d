import type { Timer, Timers } from '../clock.ts'

/** The longest delay the runtime takes; a longer one would fire at once. */
const delayMsMax = 2 ** 31 - 1

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout

  constructor(delayMs: number, run: () => void) {
    this.#handle = this.#arm(delayMs, run)
  }

  #arm(delayMs: number, run: () => void): NodeJS.Timeout {
    if (delayMs <= delayMsMax) return setTimeout(run, delayMs)
    return setTimeout(() => (this.#handle = this.#arm(delayMs - delayMsMax, run)), delayMsMax)
  }

  cancel(): void {
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

export const systemTimers: Timers = {
  after: (delayMs, run) => new SystemTimer(delayMs, run),
  endOfTurn: (run) => {
    if (turn.push(run) === 1) setImmediate(runTurn)
  },
}
