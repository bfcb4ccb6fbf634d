import { frameEnd } from './frame-writer.ts'

/** Bytes before a frame's payload. */
const headBytes = 7

/** Told of each frame: its payload is `buffer` from `start` to `end`, to be read (or sliced) before returning. */
export type FrameSink = (type: number, channel: number, buffer: Buffer, start: number, end: number) => void

export type CutFailure = 'frame too large' | 'frame end missing'

/**
 * Cuts a stream of chunks into frames: type 1, channel 2, size 4, payload, end octet 206. A frame that lies in one
 * chunk is handed over in place; one that crosses chunks is put together once, in memory of its own, which is allocated
 * only when its size is known and within the bound: a lying size costs nobody anything.
 */
export class FrameCutter {
  /** As negotiated; like RabbitMQ it is kept by the payload alone, since clients do not agree on what it bounds. */
  frameBytesMax: number
  private readonly head = Buffer.alloc(headBytes)
  private headLength = 0
  private frame: Buffer | null = null
  private frameLength = 0
  private halted = false
  private cuts = 0

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax
  }

  /** Number of the frame that has come in part, among all that did; 0: none has. */
  get unfinished(): number {
    return this.frame === null && this.headLength === 0 ? 0 : this.cuts
  }

  /** The rest of this chunk, and all later ones, are nobody's business. */
  halt(): void {
    this.halted = true
    this.frame = null
    this.headLength = 0
  }

  /** After a failure the stream cannot be understood any more. */
  push(chunk: Buffer, sink: FrameSink): CutFailure | null {
    let at = 0
    while (at < chunk.length && !this.halted) {
      if (this.frame === null && this.headLength === 0 && chunk.length - at >= headBytes) {
        const size = chunk.readUInt32BE(at + 3)
        if (size > this.frameBytesMax) return 'frame too large'
        const end = at + headBytes + size
        if (end < chunk.length) {
          if (chunk[end] !== frameEnd) return 'frame end missing'
          sink(chunk[at]!, chunk.readUInt16BE(at + 1), chunk, at + headBytes, end)
          at = end + 1
          continue
        }
      }
      const failure = this.gather(chunk, at)
      if (typeof failure === 'string') return failure
      at = failure
      if (this.frame !== null && this.frameLength === this.frame.length) {
        const frame = this.frame
        this.frame = null
        this.headLength = 0
        if (frame[frame.length - 1] !== frameEnd) return 'frame end missing'
        sink(frame[0]!, frame.readUInt16BE(1), frame, headBytes, frame.length - 1)
      }
    }
    return null
  }

  /** Takes what the frame under way still needs; returns where the chunk goes on. */
  private gather(chunk: Buffer, from: number): number | CutFailure {
    let at = from
    if (this.frame === null) {
      if (this.headLength === 0) this.cuts++
      const taken = Math.min(headBytes - this.headLength, chunk.length - at)
      chunk.copy(this.head, this.headLength, at, at + taken)
      this.headLength += taken
      at += taken
      if (this.headLength < headBytes) return at
      const size = this.head.readUInt32BE(3)
      if (size > this.frameBytesMax) return 'frame too large'
      this.frame = Buffer.allocUnsafe(headBytes + size + 1)
      this.head.copy(this.frame)
      this.frameLength = headBytes
    }
    const taken = Math.min(this.frame.length - this.frameLength, chunk.length - at)
    chunk.copy(this.frame, this.frameLength, at, at + taken)
    this.frameLength += taken
    return at + taken
  }
}
