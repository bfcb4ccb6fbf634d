import { Chunk, chunkEntriesMax } from './chunk.ts'

/** One page of a partition's list: the unit that a checkpoint writes. */
export interface Page {
  /** The part's number in the checkpoint; not in any order. */
  readonly part: number
  readonly chunk: Chunk
  /** Changed since it was last written to a checkpoint. */
  dirty: boolean
}

/** Where a stretch of a partition stands: offsets in [from, below) are in `span`, if they are kept at all. */
export interface Stretch {
  span: number
  from: number
  below: number
}

/**
 * The spans of one partition, sorted by first offset. An entry holds up to the first offset of the next, so two spans
 * must never interleave in a partition: whoever merges spans sees to it (`interleaved`).
 */
export class PartitionList {
  pages: Page[] = []
  /** One after the last offset that any span has. */
  endOffset = 0
  /** How many spans had gone when it was swept last. */
  sweptAt = -1
  private nextPart = 0
  private countedFrom = -1
  private countedBytes = 0

  /** The page that would hold `offset`: the last that begins at or before it, or the first. */
  private pageOf(offset: number): number {
    let low = 0
    let high = this.pages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.pages[middle]!.chunk.firstOffset(0) <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** The stretch that holds `offset` or is the first after it; null beyond the end. */
  find(offset: number): Stretch | null {
    if (offset >= this.endOffset || this.pages.length === 0) return null
    const at = this.pageOf(offset)
    const chunk = this.pages[at]!.chunk
    const index = Math.max(0, chunk.find(offset))
    return { span: chunk.span(index), from: chunk.firstOffset(index), below: this.endOf(at, index) }
  }

  private endOf(page: number, index: number): number {
    const chunk = this.pages[page]!.chunk
    if (index + 1 < chunk.count) return chunk.firstOffset(index + 1)
    return this.pages[page + 1]?.chunk.firstOffset(0) ?? this.endOffset
  }

  /**
   * Adds a span's stretch, in the place of those that begin inside it and belong to spans that are `gone`: the ones it
   * replaces. Doing so twice changes nothing. Returns the parts that became empty.
   */
  insert(
    firstOffset: number,
    endOffset: number,
    span: number,
    bytes: number,
    gone: (span: number) => boolean,
  ): number[] {
    this.endOffset = Math.max(this.endOffset, endOffset)
    const emptied = this.drop(firstOffset, endOffset, gone)
    this.countedFrom = -1
    if (this.pages.length === 0) this.addPage(0)
    const at = this.pageOf(firstOffset)
    const page = this.pages[at]!
    const chunk = page.chunk
    const index = chunk.find(firstOffset)
    if (index >= 0 && chunk.firstOffset(index) === firstOffset) chunk.remove(index)
    chunk.insert(chunk.find(firstOffset) + 1, firstOffset, span, bytes)
    page.dirty = true
    if (chunk.count > chunkEntriesMax) this.split(at)
    return emptied
  }

  /** Does a span other than these stand between the partition's records in [from, below)? */
  interleaved(from: number, below: number, spans: (span: number) => boolean): boolean {
    for (let stretch = this.find(from); stretch !== null && stretch.from < below; stretch = this.find(stretch.below)) {
      if (stretch.below > from && !spans(stretch.span)) return true
    }
    return false
  }

  /**
   * Drops the entries of spans that are gone and begin in [from, below). One that stayed would cut short the stretch that
   * stands before it. Returns the parts that became empty.
   */
  private drop(from: number, below: number, gone: (span: number) => boolean): number[] {
    const emptied: number[] = []
    for (let at = this.pageOf(from); at < this.pages.length; at++) {
      const page = this.pages[at]!
      const { chunk } = page
      if (chunk.firstOffset(0) >= below) break
      for (let i = chunk.count - 1; i >= 0; i--) {
        const first = chunk.firstOffset(i)
        if (first < from || first >= below || !gone(chunk.span(i))) continue
        chunk.remove(i)
        page.dirty = true
        this.countedFrom = -1
      }
      if (chunk.count === 0) emptied.push(page.part)
    }
    // Pages are found by their first entries.
    if (emptied.length > 0) this.pages = this.pages.filter((page) => page.chunk.count > 0)
    return emptied
  }

  private addPage(at: number): Chunk {
    const chunk = new Chunk()
    this.pages.splice(at, 0, { part: this.nextPart++, chunk, dirty: true })
    return chunk
  }

  /** A full last page is closed and a new one begun, so that lists that only grow have full pages. */
  private split(at: number): void {
    const { chunk } = this.pages[at]!
    const from = at === this.pages.length - 1 ? chunk.count - 1 : chunk.count >>> 1
    chunk.moveFrom(from, this.addPage(at + 1))
  }

  /** Drops the entries of spans that are gone. Returns the parts that became empty. */
  sweep(gone: (span: number) => boolean): number[] {
    return this.drop(-Infinity, Infinity, gone)
  }

  /** Payload bytes from `start` on: whole entries exactly, the one that `start` cuts in proportion. */
  bytesFrom(start: number): number {
    if (start >= this.endOffset || this.pages.length === 0) return 0
    if (start !== this.countedFrom) {
      this.countedBytes = this.count(start)
      this.countedFrom = start
    }
    return this.countedBytes
  }

  private count(start: number): number {
    const at = this.pageOf(start)
    const { chunk } = this.pages[at]!
    const index = Math.max(0, chunk.find(start))
    let bytes = 0
    for (let i = at + 1; i < this.pages.length; i++) bytes += this.pages[i]!.chunk.totalBytes
    for (let i = index + 1; i < chunk.count; i++) bytes += chunk.bytes(i)
    const from = chunk.firstOffset(index)
    const end = this.endOf(at, index)
    return (
      bytes + (start <= from ? chunk.bytes(index) : Math.round((chunk.bytes(index) * (end - start)) / (end - from)))
    )
  }

  /** A page of the checkpoint; they come in any order. An empty chunk: the page is gone. */
  restore(part: number, chunk: Chunk, endOffset: number): void {
    this.endOffset = Math.max(this.endOffset, endOffset)
    this.nextPart = Math.max(this.nextPart, part + 1)
    this.countedFrom = -1
    this.pages = this.pages.filter((page) => page.part !== part)
    if (chunk.count === 0) return
    this.pages.push({ part, chunk, dirty: false })
    this.pages.sort((a, b) => a.chunk.firstOffset(0) - b.chunk.firstOffset(0))
  }
}
