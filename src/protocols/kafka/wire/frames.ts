import { MalformedError } from '../../../base/index.ts'
import { requestBytesMax } from '../limits.ts'

/**
 * Cuts the byte stream of a connection into requests: `size INT32, then size bytes`. A frame that lies in one chunk
 * is a slice of it; one that spans chunks is copied together once, when its last byte is there, so that a client
 * who announces 100 MB and sends nothing has cost nothing.
 */
export class Frames {
  private chunks: Buffer[] = []
  private head = 0
  /** Bytes received and not yet given out. */
  pending = 0

  push(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.pending += chunk.length
  }

  /** The next whole request, without its size; null while it is incomplete. Throws `MalformedError` on a bad size. */
  next(): Buffer | null {
    if (this.pending < 4) return null
    const size = this.peekSize()
    if (size < 8 || size > requestBytesMax) throw new MalformedError(`request of ${size} bytes`)
    if (this.pending < 4 + size) return null
    this.skip(4)
    return this.take(size)
  }

  private peekSize(): number {
    const first = this.chunks[0]!
    if (first.length - this.head >= 4) return first.readInt32BE(this.head)
    let size = 0
    for (let i = 0, chunk = 0, at = this.head; i < 4; i++) {
      while (at >= this.chunks[chunk]!.length) {
        chunk++
        at = 0
      }
      size = (size << 8) | this.chunks[chunk]![at++]!
    }
    return size
  }

  private skip(bytes: number): void {
    this.take(bytes)
  }

  private take(size: number): Buffer {
    this.pending -= size
    const first = this.chunks[0]!
    if (first.length - this.head >= size) {
      const frame = first.subarray(this.head, this.head + size)
      this.head += size
      if (this.head === first.length) this.dropFirst(1)
      return frame
    }
    return this.gather(size)
  }

  private gather(size: number): Buffer {
    const frame = Buffer.allocUnsafe(size)
    let filled = 0
    let used = 0
    while (filled < size) {
      const chunk = this.chunks[used]!
      const copied = chunk.copy(frame, filled, this.head, Math.min(chunk.length, this.head + size - filled))
      filled += copied
      this.head += copied
      if (this.head < chunk.length) break
      used++
      this.head = 0
    }
    const rest = this.head
    this.dropFirst(used)
    this.head = rest
    return frame
  }

  private dropFirst(count: number): void {
    this.chunks.splice(0, count)
    this.head = 0
  }
}
