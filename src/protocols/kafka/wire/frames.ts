import { MalformedError, release } from '../../../base/index.ts'
import { requestBytesMax } from '../limits.ts'

/** Of a request that has come in part so far: then it gets memory for all of it, and what comes is copied there. */
const gatheredBytesMax = 256 * 1024

/**
 * Cuts the byte stream of a connection into requests: `size INT32, then size bytes`. A frame that lies in one chunk
 * is a slice of it; one that spans chunks is copied together once. Memory for a large one is asked for only when a good
 * part of it is there, so that a client who announces 100 MB and sends nothing has cost nothing.
 */
export class Frames {
  private readonly bytesMax: number
  /** A large request that is arriving, without its size, and how much of it is there. */
  private large: Buffer | null = null
  private filled = 0
  private chunks: Buffer[] = []
  private head = 0
  /** A frame that was given out is a slice of the first chunk. */
  private sliced = false
  /** Bytes received and not yet given out. */
  pending = 0
  /** Requests given out. */
  taken = 0

  constructor(bytesMax = requestBytesMax) {
    this.bytesMax = bytesMax
  }

  /** Size of the request that has come in part; 0: none has, or its size is not known yet. To be asked after `next`. */
  get arriving(): number {
    if (this.large !== null) return this.large.length
    if (this.pending < 4) return 0
    const size = this.peekSize()
    return this.pending < 4 + size ? size : 0
  }

  push(chunk: Buffer): void {
    this.pending += chunk.length
    const taken = this.large === null ? 0 : this.fill(this.large, chunk)
    if (taken === chunk.length) return release(chunk)
    // While the large one takes something there is nothing behind it.
    if (taken > 0) this.head = taken
    this.chunks.push(chunk)
  }

  private fill(large: Buffer, chunk: Buffer, from = 0): number {
    const taken = chunk.copy(large, this.filled, from)
    this.filled += taken
    return taken
  }

  /** The next whole request, without its size; null while it is incomplete. Throws `MalformedError` on a bad size. */
  next(): Buffer | null {
    if (this.large !== null) return this.takeLarge(this.large)
    if (this.pending < 4) return null
    const size = this.peekSize()
    if (size < 8 || size > this.bytesMax) throw new MalformedError(`request of ${size} bytes`)
    if (this.pending < 4 + size) {
      if (this.pending > gatheredBytesMax) this.begin(size)
      return null
    }
    this.skip(4)
    this.taken++
    return this.take(size)
  }

  private begin(size: number): void {
    this.skip(4)
    this.large = Buffer.allocUnsafeSlow(size)
    this.filled = 0
    for (const chunk of this.chunks) this.fill(this.large, chunk, chunk === this.chunks[0] ? this.head : 0)
    this.dropFirst(this.chunks.length)
  }

  private takeLarge(large: Buffer): Buffer | null {
    if (this.filled < large.length) return null
    this.large = null
    this.taken++
    this.pending -= large.length
    return large
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
    this.pending -= bytes
    for (let rest = bytes; rest > 0;) {
      const step = Math.min(rest, this.chunks[0]!.length - this.head)
      this.advance(step)
      rest -= step
    }
  }

  private advance(bytes: number): void {
    this.head += bytes
    if (this.head === this.chunks[0]!.length) this.dropFirst(1)
  }

  private take(size: number): Buffer {
    this.pending -= size
    const first = this.chunks[0]!
    if (first.length - this.head >= size) {
      const frame = first.subarray(this.head, this.head + size)
      this.sliced = true
      this.advance(size)
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

  /** All that was needed of them has been copied, but for slices of the first. */
  private dropFirst(count: number): void {
    if (count === 0) return
    const dropped = this.chunks.splice(0, count)
    for (let i = this.sliced ? 1 : 0; i < count; i++) release(dropped[i]!)
    this.sliced = false
    this.head = 0
  }
}
