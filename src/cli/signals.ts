import { systemClock, systemTimers, writeError } from '../world/node/index.ts'

/**
 * npm sends on the Ctrl-C that the terminal has sent to the whole process group already; a copy that comes so soon
 * is the same wish.
 */
const sameWishMs = 50

/** What a stop may take beside its wait for clients; longer, and it is given up: what was acknowledged is on disk. */
const besideMs = 1500

/** Runs `stop` after the first signal; a second one ends the process at once. `waitMs`: how long it waits for clients. */
export async function stopOnSignal(
  first: Promise<string>,
  waitMs: number,
  stop: (signal: string) => Promise<void>,
): Promise<void> {
  const signal = await first
  const stopMsMax = waitMs + besideMs
  const guard = systemTimers.after(stopMsMax, () => give(1, `not stopped within ${stopMsMax} ms`))
  await stop(signal)
  guard.cancel()
}

/** Resolves with the first signal to stop. From the call on signals are ours. */
export function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: NodeJS.Signals): void => {
      const now = systemClock.monotonic()
      if (firstAt === undefined) {
        firstAt = now
        resolve(signal)
      } else if (now - firstAt > sameWishMs) {
        give(130, `second ${signal}: stopping at once`)
      }
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}

/**
 * What `work` resolves with, unless the signal comes first: then the process ends. For work that promises nothing to
 * anybody and may be broken off anywhere, as recovery may by a crash.
 */
export async function unlessStopped<T>(first: Promise<string>, work: Promise<T>): Promise<T> {
  let over = false
  void first.then((signal) => {
    if (!over) give(0, `${signal}: stopped before it was ready`)
  })
  try {
    return await work
  } finally {
    over = true
  }
}

function give(code: number, why: string): never {
  writeError(why)
  process.exit(code)
}

/**
 * A signal runs `clean` and ends the process, until `over`. Once one has come that never resolves: what the work meets then,
 * without what was cleaned, is nothing to tell.
 */
export function onInterruption(clean: () => Promise<void>): { over(): Promise<void> } {
  let begun = false
  const onSignal = (signal: NodeJS.Signals): void => {
    begun = true
    const end = (): never => give(signal === 'SIGINT' ? 130 : 143, `${signal}: broken off, nothing of it is left`)
    clean().then(end, (error: unknown) => give(1, String(error)))
  }
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal)
  return {
    over: () => {
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
      return begun ? new Promise(() => undefined) : Promise.resolve()
    },
  }
}
