import { assert } from '../../base/index.ts'
import type { Timers } from '../../world/index.ts'

/** Runs what the shard puts off to the end of the turn: once, however often it was asked for. */
export class Turn {
  private readonly timers: Timers
  private readonly phases: (() => void)[] = []
  private asked = false
  private stopped = false

  constructor(timers: Timers) {
    this.timers = timers
  }

  /** Phases run in the order they were added. */
  add(phase: () => void): void {
    this.phases.push(phase)
  }

  ask(): void {
    if (this.asked || this.stopped) return
    this.asked = true
    this.timers.endOfTurn(() => this.run())
  }

  private run(): void {
    assert(this.asked, 'asked for')
    this.asked = false
    if (this.stopped) return
    for (const phase of this.phases) phase()
  }

  stop(): void {
    this.stopped = true
  }
}
