import type { Auditor } from '../audit/index.ts'
import type { Machine } from '../machine/machine.ts'
import type { Trace } from '../machine/trace.ts'
import { Changing } from './changing.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'

/** The places of a run. `captured` gets all of `orders.#`; what `work` rejects or gives up goes to `dead`. */
export const topicPartitions = 2

/** What all actors share. */
export class Scene {
  readonly machine: Machine
  readonly auditor: Auditor
  readonly trace: Trace
  /** Queues and topics that clients make and delete. */
  readonly changing: { queue: Changing; topic: Changing }
  /** Nothing new is begun: what was promised can be counted. */
  quiet = false
  /** Nobody acts any more. */
  over = false
  /** Since when nothing is wrong with the machine, ms; Infinity while something is. */
  calmSince = 0
  private failure: { error: unknown } | null = null

  constructor(machine: Machine, auditor: Auditor) {
    this.machine = machine
    this.auditor = auditor
    this.trace = machine.trace
    this.changing = { queue: new Changing('passing-queue'), topic: new Changing('passing-topic') }
  }

  get now(): number {
    return this.machine.time.monotonic()
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.machine.time.after(ms, resolve))
  }

  /** An actor found something wrong, or is wrong itself. The first one counts. */
  fail(error: unknown): void {
    if (this.failure !== null) return
    this.failure = { error }
    this.trace.note('scene', `failed: ${String(error)}`)
  }

  /** Lets time pass; throws what an actor has found. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    while (this.now < end) {
      await this.machine.time.advance(Math.min(50, end - this.now))
      if (this.failure !== null) throw this.failure.error
    }
  }
}

/** For the auditor: where a message is to be found that is published at `orders.REGION`, for sure and perhaps. */
export function placesOf(region: string, { subscribed }: { subscribed: boolean }): [must: string[], may: string[]] {
  const logs = ['captured', ...(region === 'eu' ? ['topic'] : [])]
  return subscribed ? [[...logs, 'subscriber'], []] : [logs, ['subscriber']]
}

export const pick = <T>(random: SimRandom, all: readonly T[]): T => all[random.below(all.length)]!
