import { Reason } from './reason.ts'
import { Violation } from './violation.ts'

const firstBytes = 256
/** Who has sent so much of a packet gets memory for all of it: growing further would copy it again and again. */
const doublingBytesMax = 256 * 1024

/** Memory that the cut packets of all clients share: many clients that never finish must not fill it. */
export interface CutBudget {
  bytes: number
  readonly bytesMax: number
}

/**
 * A packet that a chunk cut. Grows as bytes really arrive, so announcing a large packet costs the server nothing. Never used twice: what is read from it shares its memory.
 */
export class CutPacket {
  bytes = Buffer.alloc(0)
  length = 0
  /** The packet's length; 0 while its fixed header is cut. */
  needed: number
  private readonly budget: CutBudget

  constructor(chunk: Buffer, start: number, needed: number, budget: CutBudget) {
    this.needed = needed
    this.budget = budget
    this.append(chunk, start, chunk.length - start)
  }

  /** Takes at most `count` bytes of `chunk` from `start`; returns how many there were. */
  append(chunk: Buffer, start: number, count: number): number {
    const taken = Math.min(count, chunk.length - start)
    const length = this.length + taken
    if (length > this.bytes.length) this.grow(capacityFor(Math.max(length, this.length * 2), this.needed))
    chunk.copy(this.bytes, this.length, start, start + taken)
    this.length = length
    return taken
  }

  private grow(capacity: number): void {
    this.budget.bytes += capacity - this.bytes.length
    const grown = Buffer.allocUnsafeSlow(capacity)
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    if (this.budget.bytes > this.budget.bytesMax) {
      this.release()
      throw new Violation(Reason.quotaExceeded, 'too much memory is taken by packets that have not come to their end')
    }
  }

  /** It is whole, or will never be. */
  release(): void {
    this.budget.bytes -= this.bytes.length
    this.bytes = Buffer.alloc(0)
  }
}

function capacityFor(length: number, needed: number): number {
  if (needed === 0) return Math.max(length, 8)
  return length > doublingBytesMax ? needed : Math.min(needed, Math.max(length, firstBytes))
}
