import type { Lane, Leased } from './leased.ts'

const atOnceMax = 8

/**
 * Reads of heads that only tell when these expire. Nobody waits for them, and after a start very many queues want one at
 * the same moment: a few are under way, the others wait for the end of a turn that has room for them.
 */
export class TimerReads {
  readonly waiting = new Set<Leased>()
  private readonly reading = new Set<Lane>()

  get full(): boolean {
    if (this.reading.size < atOnceMax) return false
    for (const lane of this.reading) if (!lane.reading) this.reading.delete(lane)
    return this.reading.size >= atOnceMax
  }

  begin(lane: Lane): void {
    this.reading.add(lane)
  }
}
