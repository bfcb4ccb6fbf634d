import type { Clock, Timers } from '../../world/index.ts'

const slotMs = 1000
const slotCount = 256

/** Somebody who must be heard of now and then. */
export interface Watched {
  /** The wheel's `tick` when it was last heard of. */
  heardAt: number
  /** Ticks of silence after which it is gone; 0: it may be silent for ever. */
  silenceTicksMax: number
  /** What it says is not read now, so it cannot be heard. */
  mayBeSilent(): boolean
  silent(): void
}

/**
 * One timer for all clients: a wheel of slots, a second each. Hearing of a client only notes the tick; the client is
 * looked at when its slot comes round, and put into a later one if it spoke meanwhile.
 */
export class KeepAlive {
  /** Seconds, roughly: a client that is heard of stores it. */
  tick = 0
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly start: number
  private readonly slots: Set<Watched>[] = Array.from({ length: slotCount }, () => new Set())
  private count = 0
  private running = false

  constructor(clock: Clock, timers: Timers) {
    this.clock = clock
    this.timers = timers
    this.start = clock.monotonic()
  }

  watch(watched: Watched, silenceMsMax: number): void {
    this.forget(watched)
    watched.heardAt = this.running ? this.tick : this.now()
    if (silenceMsMax === 0) return
    // one tick more: it may have been heard of at the end of the tick it noted
    watched.silenceTicksMax = Math.ceil(silenceMsMax / slotMs) + 1
    this.place(watched, watched.heardAt + watched.silenceTicksMax)
    this.count++
    if (!this.running) this.run()
  }

  forget(watched: Watched): void {
    if (watched.silenceTicksMax === 0) return
    watched.silenceTicksMax = 0
    for (const slot of this.slots) if (slot.delete(watched)) break
    this.count--
  }

  private now(): number {
    return (this.tick = Math.floor((this.clock.monotonic() - this.start) / slotMs))
  }

  private place(watched: Watched, due: number): void {
    // further away than the wheel is round: it is looked at early, and placed again
    const at = Math.min(due, this.tick + slotCount - 1)
    this.slots[at % slotCount]!.add(watched)
  }

  private run(): void {
    this.running = true
    this.now()
    this.timers.after(slotMs, () => {
      const from = this.tick
      const to = Math.min(this.now(), from + slotCount)
      for (let tick = from + 1; tick <= to; tick++) this.sweep(tick % slotCount)
      if (this.count > 0) this.run()
      else this.running = false
    })
  }

  private sweep(index: number): void {
    const due = this.slots[index]!
    if (due.size === 0) return
    this.slots[index] = new Set()
    for (const watched of due) {
      if (watched.mayBeSilent()) watched.heardAt = this.tick
      const end = watched.heardAt + watched.silenceTicksMax
      if (end > this.tick) {
        this.place(watched, end)
      } else {
        watched.silenceTicksMax = 0
        this.count--
        watched.silent()
      }
    }
  }
}
