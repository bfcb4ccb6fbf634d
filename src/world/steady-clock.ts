import type { Clock } from './clock.ts'

/** A difference up to this is a correction like any other; what is more is a jump of the machine's clock. */
const jumpMs = 1000
/** How fast a jump is made up for: 1 % faster or slower, as Erlang does. */
const catchUp = 0.01

/**
 * The time by which a broker counts: how old, how long to live, when due. It goes on with the monotonic clock whatever
 * happens to the machine's, and never back. What the machine's clock has jumped it makes up for slowly, so that a day
 * is never more than a quarter of an hour off; what the machine slept it follows at once.
 *
 *      machine   ____/‾‾‾‾‾‾   jumps ahead, is set back
 *      steady    _________..-´
 */
export class SteadyClock implements Clock {
  private readonly machine: Clock
  private time: number
  private monotonicThen: number
  private asleepThen: number

  constructor(machine: Clock) {
    this.machine = machine
    this.time = machine.wall()
    this.monotonicThen = machine.monotonic()
    this.asleepThen = machine.asleep()
  }

  now(): number {
    const { machine } = this
    const monotonic = machine.monotonic()
    const asleep = machine.asleep()
    const passed = monotonic - this.monotonicThen + asleep - this.asleepThen
    this.monotonicThen = monotonic
    this.asleepThen = asleep
    const next = this.time + passed
    const behind = machine.wall() - next
    const limit = Math.abs(behind) <= jumpMs ? jumpMs : passed * catchUp
    this.time = Math.max(this.time, next + Math.max(-limit, Math.min(limit, behind)))
    return Math.floor(this.time)
  }

  wall(): number {
    return this.machine.wall()
  }

  monotonic(): number {
    return this.machine.monotonic()
  }

  asleep(): number {
    return this.machine.asleep()
  }

  /** What was stored at `ms` is not of the future: time goes on from there, where the machine's clock is behind it. */
  goOnFrom(ms: number): void {
    this.time = Math.max(this.now(), ms)
  }
}
