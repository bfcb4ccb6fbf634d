import { Writer } from '../../../base/index.ts'
import { copyBytesMax } from '../limits.ts'

interface Cut {
  at: number
  slice: Buffer
}

/** A `Writer` in which large bytes stay slices: `chunks()` gives what to send, in order, without copying them. */
export class SlicingWriter extends Writer {
  private cuts: Cut[] | null = null
  private sliced = 0

  /** Bytes written so far, slices included. */
  get total(): number {
    return this.length + this.sliced
  }

  /** Appends `bytes`, which must not change afterwards; small ones are copied. */
  slice(bytes: Buffer): void {
    if (bytes.length <= copyBytesMax) {
      this.bytes(bytes)
      return
    }
    this.cuts ??= []
    this.cuts.push({ at: this.length, slice: bytes })
    this.sliced += bytes.length
  }

  /** What was written; the writer must not be used afterwards, since the chunks share its memory. */
  chunks(): Buffer[] {
    if (this.cuts === null) return [this.view()]
    const chunks: Buffer[] = []
    let from = 0
    for (const { at, slice } of this.cuts) {
      if (at > from) chunks.push(this.buffer.subarray(from, at))
      chunks.push(slice)
      from = at
    }
    if (this.length > from) chunks.push(this.buffer.subarray(from, this.length))
    return chunks
  }
}
