const chunkOffsets = 4096

/** How many of some offsets are in each chunk of 4,096: enough to say that a range holds none. */
export class OffsetCounts {
  private readonly counts = new Map<number, number>()

  add(offset: number): void {
    const chunk = Math.floor(offset / chunkOffsets)
    this.counts.set(chunk, (this.counts.get(chunk) ?? 0) + 1)
  }

  /** It was added. */
  remove(offset: number): void {
    const chunk = Math.floor(offset / chunkOffsets)
    const left = this.counts.get(chunk)! - 1
    if (left === 0) this.counts.delete(chunk)
    else this.counts.set(chunk, left)
  }

  any(first: number, last: number): boolean {
    const from = Math.floor(first / chunkOffsets)
    const to = Math.floor(last / chunkOffsets)
    if (to - from < this.counts.size) {
      for (let chunk = from; chunk <= to; chunk++) if (this.counts.has(chunk)) return true
      return false
    }
    for (const chunk of this.counts.keys()) if (chunk >= from && chunk <= to) return true
    return false
  }

  lowest(): number {
    let lowest = Infinity
    for (const chunk of this.counts.keys()) if (chunk < lowest) lowest = chunk
    return lowest * chunkOffsets
  }
}
