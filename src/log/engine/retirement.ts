import type { Slots } from '../journal/slots.ts'

interface Released {
  slot: number
  segmentSeq: number
  commit: number
}

/** Segments from `from` to `through` that a snapshot reads: they are not written over before it is released. */
export interface SegmentHold {
  from: number
  through: number
}

/** Takes slots back when nobody can need their bytes any more, not even a recovery from the older checkpoint (F3). */
export class Retirement {
  private readonly slots: Slots
  private readonly forget: (segmentSeq: number, slot: number) => Promise<void>
  private readonly waits: () => void
  private released: Released[] = []
  /** Segments from here on are needed by the older of the two checkpoints. */
  private floorSegment = 0
  private floorCommit = 0
  private readonly holds = new Set<SegmentHold>()

  /** `forget` resolves when nothing of it is open any more. */
  constructor(slots: Slots, forget: (segmentSeq: number, slot: number) => Promise<void>, waits: () => void) {
    this.slots = slots
    this.forget = forget
    this.waits = waits
  }

  /** Slots wait for a checkpoint only. */
  get waiting(): boolean {
    return this.released.some((each) => !this.done(each))
  }

  /** The entry that says so, in commit `commit`, is durable. */
  release(slot: number, segmentSeq: number, commit: number): void {
    this.released.push({ slot, segmentSeq, commit })
    this.collect()
    if (this.waiting) this.waits()
  }

  /** Recovery begins at this segment at the earliest, with the commit after `commit`. */
  setFloor(segmentSeq: number, commit: number): void {
    this.floorSegment = segmentSeq
    this.floorCommit = commit
    this.collect()
  }

  hold(hold: SegmentHold): void {
    this.holds.add(hold)
  }

  unhold(hold: SegmentHold): void {
    this.holds.delete(hold)
    this.collect()
  }

  /** Slots that only a snapshot keeps from use. */
  get heldSlots(): number {
    return this.released.filter((each) => this.done(each) && this.isHeld(each)).length
  }

  private done({ segmentSeq, commit }: Released): boolean {
    return segmentSeq < this.floorSegment && commit <= this.floorCommit
  }

  private isHeld({ segmentSeq }: Released): boolean {
    for (const { from, through } of this.holds) if (from <= segmentSeq && segmentSeq <= through) return true
    return false
  }

  private collect(): void {
    const free = this.released.filter((each) => this.done(each) && !this.isHeld(each))
    if (free.length === 0) return
    this.released = this.released.filter((each) => !free.includes(each))
    for (const each of free) void this.recycle(each)
  }

  private async recycle({ slot, segmentSeq }: Released): Promise<void> {
    await this.forget(segmentSeq, slot).catch(() => undefined) // It was only read.
    await this.slots.recycle(slot)
  }
}
