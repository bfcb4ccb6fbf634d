import type { Reader, Writer } from '../../base/index.ts'

/** Entries of a full chunk: 16 bytes each in memory, so 4 KiB. */
export const chunkEntriesMax = 256

/**
 * A sorted run of a partition's list: from `firstOffsets[i]` on, up to the next entry, the partition's records stand
 * in span `spans[i]`, in so many payload bytes.
 */
export class Chunk {
  count = 0
  /** Of all entries. */
  totalBytes = 0
  private capacity = 2
  private firstOffsets = new Float64Array(2)
  /** Span, payload bytes: pair after pair. */
  private facts = new Uint32Array(4)

  firstOffset(index: number): number {
    return this.firstOffsets[index]!
  }

  span(index: number): number {
    return this.facts[index * 2]!
  }

  bytes(index: number): number {
    return this.facts[index * 2 + 1]!
  }

  /** Index of the last entry that begins at or before `offset`, or -1. */
  find(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.firstOffsets[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Entry `index` becomes this one; those from there on move up. */
  insert(index: number, firstOffset: number, span: number, bytes: number): void {
    if (this.count === this.capacity) this.grow()
    this.firstOffsets.copyWithin(index + 1, index, this.count)
    this.facts.copyWithin(index * 2 + 2, index * 2, this.count * 2)
    this.firstOffsets[index] = firstOffset
    this.facts[index * 2] = span
    this.facts[index * 2 + 1] = Math.min(bytes, 0xffff_ffff)
    this.count++
    this.totalBytes += this.bytes(index)
  }

  remove(index: number): void {
    this.totalBytes -= this.bytes(index)
    this.firstOffsets.copyWithin(index, index + 1, this.count)
    this.facts.copyWithin(index * 2, index * 2 + 2, this.count * 2)
    this.count--
  }

  private grow(): void {
    this.capacity *= 2
    const firstOffsets = new Float64Array(this.capacity)
    const facts = new Uint32Array(this.capacity * 2)
    firstOffsets.set(this.firstOffsets)
    facts.set(this.facts)
    this.firstOffsets = firstOffsets
    this.facts = facts
  }

  /** Moves the entries from `from` on to `upper`, which is empty. */
  moveFrom(from: number, upper: Chunk): void {
    for (let i = from; i < this.count; i++) upper.insert(upper.count, this.firstOffset(i), this.span(i), this.bytes(i))
    this.count = from
    this.totalBytes -= upper.totalBytes
  }

  /** `{ gap uvarint, span uvarint, bytes uvarint }` for each entry. */
  encode(out: Writer): void {
    let before = 0
    for (let i = 0; i < this.count; i++) {
      out.uvarint(this.firstOffset(i) - before)
      out.uvarint(this.span(i))
      out.uvarint(this.bytes(i))
      before = this.firstOffset(i)
    }
  }

  static decode(reader: Reader): Chunk {
    const chunk = new Chunk()
    let before = 0
    while (reader.remaining > 0) {
      const firstOffset = before + reader.uvarint()
      const span = reader.uvarint()
      chunk.insert(chunk.count, firstOffset, span, reader.uvarint())
      before = firstOffset
    }
    return chunk
  }
}
