const none = new Float64Array(0)

/** Offsets by when they are due, earliest first: a binary heap in two columns, 16 bytes an entry. */
export class DueHeap {
  size = 0
  private dues = none
  private offsets = none

  /** When the first is due; Infinity: none. */
  get due(): number {
    return this.size === 0 ? Infinity : this.dues[0]!
  }

  push(offset: number, due: number): void {
    if (this.size === this.dues.length) this.grow()
    let at = this.size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.dues[parent]! <= due) break
      this.put(at, this.dues[parent]!, this.offsets[parent]!)
      at = parent
    }
    this.put(at, due, offset)
  }

  /** The offset that is due first, which is taken out. There is one. */
  pop(): number {
    const first = this.offsets[0]!
    const due = this.dues[--this.size]!
    const offset = this.offsets[this.size]!
    let at = 0
    for (let next = 1; next < this.size; next = 2 * at + 1) {
      if (next + 1 < this.size && this.dues[next + 1]! < this.dues[next]!) next++
      if (this.dues[next]! >= due) break
      this.put(at, this.dues[next]!, this.offsets[next]!)
      at = next
    }
    this.put(at, due, offset)
    return first
  }

  clear(): void {
    this.size = 0
    this.dues = this.offsets = none
  }

  private put(at: number, due: number, offset: number): void {
    this.dues[at] = due
    this.offsets[at] = offset
  }

  private grow(): void {
    const { dues, offsets } = this
    this.dues = new Float64Array(Math.max(16, this.size * 2))
    this.offsets = new Float64Array(this.dues.length)
    this.dues.set(dues)
    this.offsets.set(offsets)
  }
}
