/** The size of the record at an offset. */
export type SizeOf = (offset: number) => number

/**
 * The bytes of what is ready. They are told as records come and go; where they are not known, after a restart above all,
 * the offsets are looked at from the lowest on, and until that has come to one it counts as nothing:
 *
 *   counted | in [from, end) and not looked at yet | counted, as it was added
 */
export class ReadyBytes {
  total = 0
  private from = 0
  private end = 0

  /** The next offset to be looked at; -1: all is counted. */
  get uncounted(): number {
    return this.from < this.end ? this.from : -1
  }

  /** Nothing is known of what is ready in [from, end), and nothing else is. */
  restart(from: number, end: number): void {
    this.total = 0
    this.from = from
    this.end = end
  }

  counts(offset: number): boolean {
    return offset < this.from || offset >= this.end
  }

  /** All below `offset` have been looked at. */
  lookedTo(offset: number): void {
    this.from = Math.max(this.from, offset)
  }

  add(offset: number, bytes: number): void {
    if (this.counts(offset)) this.total += bytes
  }

  /** `count` of them, from `first` on, are ready no more; `bytes`: of all of them. */
  take(first: number, count: number, bytes: number, sizeOf?: SizeOf): void {
    this.total = Math.max(0, this.total - this.counted(first, count, bytes, sizeOf))
  }

  /** Of those bytes, the part that had been added. */
  private counted(first: number, count: number, bytes: number, sizeOf?: SizeOf): number {
    const end = first + count
    if (this.from >= this.end || end <= this.from || first >= this.end) return bytes
    let counted = 0
    for (let offset = first; offset < end; offset++) {
      if (this.counts(offset)) counted += sizeOf === undefined ? bytes / count : sizeOf(offset)
    }
    return Math.round(counted)
  }
}
