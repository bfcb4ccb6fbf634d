import { DiskError, type Clock, type Disk } from '../../world/index.ts'
import { slotPath } from '../journal/slots.ts'

const lookEveryMs = 1000

/**
 * A file that was removed, or whose file system was taken away, still takes writes from whoever has it open, and nobody
 * will ever find them. So while there are commits the journal's file is looked for now and then.
 */
export class Presence {
  private readonly disk: Disk
  private readonly clock: Clock
  private readonly slot: () => number | undefined
  private readonly gone: (error: DiskError) => void
  private lookedAt: number

  constructor(disk: Disk, clock: Clock, slot: () => number | undefined, gone: (error: DiskError) => void) {
    this.disk = disk
    this.clock = clock
    this.slot = slot
    this.gone = gone
    this.lookedAt = clock.monotonic()
  }

  look(): void {
    const slot = this.slot()
    const now = this.clock.monotonic()
    if (slot === undefined || now - this.lookedAt < lookEveryMs) return
    this.lookedAt = now
    const path = slotPath(slot)
    this.disk.stat(path).then(
      (facts) => {
        // A slot that was given back meanwhile may be gone.
        if (facts === null && this.slot() === slot) {
          this.gone(new DiskError('notFound', 'find', path, 'the journal is gone from the data folder'))
        }
      },
      () => undefined, // Whether it can be written is for the next commit to say.
    )
  }
}
