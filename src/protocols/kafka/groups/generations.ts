import { crc32c } from '../../../base/index.ts'
import type { Clock } from '../../../world/index.ts'

const since = Date.UTC(2026, 0, 1)
const slots = 4096

/**
 * Where a group that is made anew goes on counting. Its generation may never go back, since members that were away tell
 * by it whose claim on a partition is the older one (KIP-429): above the seconds of now, for nobody rebalances more often
 * than that for long, and above where groups of the same hash ended.
 */
export class Generations {
  private readonly last = new Int32Array(slots)
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  next(groupId: string): number {
    return Math.max(0, Math.floor((this.clock.now() - since) / 1000), this.last[slotOf(groupId)]!)
  }

  ended(groupId: string, generation: number): void {
    const slot = slotOf(groupId)
    this.last[slot] = Math.max(this.last[slot]!, generation)
  }
}

const slotOf = (groupId: string): number => crc32c(Buffer.from(groupId)) % slots
