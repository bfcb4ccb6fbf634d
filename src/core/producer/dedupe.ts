import type { Reader, Writer } from '../../base/index.ts'

export interface FirstAppend {
  partition: number
  baseOffset: number
  appendTime: number
}

/**
 * Message ids that one log remembers: a second append of one is answered with the first's. Bounded by time and by
 * count; beyond `idsMax` the oldest are forgotten first.
 */
export class DedupeWindow {
  windowMs: number
  private readonly idsMax: number
  /** Oldest first: ids are only ever added at the end. */
  private readonly seen = new Map<string, FirstAppend>()

  constructor(windowMs: number, idsMax = 1_000_000) {
    this.windowMs = windowMs
    this.idsMax = idsMax
  }

  get size(): number {
    return this.seen.size
  }

  find(messageId: string, now: number): FirstAppend | undefined {
    this.expire(now)
    const first = this.seen.get(messageId)
    return first === undefined || this.isOver(first, now) ? undefined : first
  }

  /** The first append of an id stays what it was as long as it is remembered: again is harmless. */
  record(messageId: string, first: FirstAppend): void {
    if (this.find(messageId, first.appendTime) !== undefined) return
    this.seen.delete(messageId)
    this.seen.set(messageId, first)
    if (this.seen.size > this.idsMax) this.seen.delete(this.seen.keys().next().value!)
  }

  expire(now: number): void {
    for (const [id, first] of this.seen) {
      if (!this.isOver(first, now)) return
      this.seen.delete(id)
    }
  }

  /** Of each by itself: where the clock has gone back, older ones stand behind. */
  private isOver(first: FirstAppend, now: number): boolean {
    return first.appendTime + this.windowMs <= now
  }

  write(w: Writer): void {
    w.uvarint(this.seen.size)
    for (const [id, first] of this.seen) {
      w.sizedUtf8(id)
      w.uvarint(first.partition)
      w.uvarint(first.baseOffset)
      w.uvarint(first.appendTime)
    }
  }

  /** Replaces what is there. */
  read(r: Reader): void {
    this.seen.clear()
    for (let n = r.uvarint(); n > 0; n--) {
      this.seen.set(r.sizedUtf8(), { partition: r.uvarint(), baseOffset: r.uvarint(), appendTime: r.uvarint() })
    }
  }
}
