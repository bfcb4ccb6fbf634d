import type { Timers } from '../world/index.ts'

export interface Flushable {
  flush(): void
}

/** Connections that were written to in this turn are flushed together at its end: one callback for all of them. */
export class TurnEnd {
  readonly #timers: Timers
  #dirty: Flushable[] = []

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Call once per connection and turn. */
  add(connection: Flushable): void {
    if (this.#dirty.push(connection) === 1) this.#timers.endOfTurn(() => this.#run())
  }

  #run(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const connection of dirty) connection.flush()
  }
}
