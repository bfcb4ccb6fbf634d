import { entryKind } from './entry-kinds.ts'
import type { Stage } from './stage.ts'

const blockIds = 16_384

/**
 * Ids for everything, given once and never again: a block of them is reserved in the journal ahead of use, so most
 * ids cost no entry. What carries an id to a client must wait for `commit`.
 */
export class Ids {
  private readonly stage: Stage
  private readonly reserved: (end: number) => void
  private next: number
  private end: number
  /** The commit that reserved the block in use. */
  commit = 0

  /** `reserved` is told how far the ids are reserved. */
  constructor(stage: Stage, reservedUpTo: number, reserved: (end: number) => void) {
    this.reserved = reserved
    this.stage = stage
    this.next = this.end = Math.max(1, reservedUpTo)
  }

  take(): number {
    if (this.next === this.end) this.reserve()
    return this.next++
  }

  private reserve(): void {
    this.end += blockIds
    this.reserved(this.end)
    const body = Buffer.alloc(8)
    body.writeDoubleLE(this.end)
    this.stage.entry(entryKind.ids, 0, body)
    this.commit = this.stage.last
  }
}
