import { CloseCode, controlBytesMax, FrameError, Opcode } from './frame.ts'
import { unmask } from './unmask.ts'

/** Two bytes, a length of eight, and the mask. */
const headerBytesMax = 14

/** How a client's frames end: with its close frame, or with what it may not send. */
export type FramesEnd = { close: number | undefined } | { violation: FrameError }

/**
 * Bytes of one client in, payload out (RFC 6455, 5). A payload is handed on as it comes, whatever length its frame or
 * its message claims to have, so that nothing waits here but a header or a control frame, and whoever takes the bytes
 * can bound and time what they mean.
 */
export class FrameReader {
  /** The payload of the last ping: of several that one may be answered alone (RFC 6455, 5.5.3). */
  ping: Buffer | undefined
  /** Nothing more is read. */
  end: FramesEnd | undefined
  readonly #header = Buffer.alloc(headerBytesMax)
  #headerBytes = 0
  /** Of the header that is coming; known in part until its first two bytes are there. */
  #headerNeeded = 2
  #opcode: number = Opcode.continuation
  #mask: Uint8Array = this.#header.subarray(2, 6)
  /** Of the payload that is coming. */
  #taken = 0
  #length = 0
  #control = Buffer.alloc(0)
  /** A message has begun and its last frame has not. */
  #fragmented = false

  /** The payload that `chunk` brings, joined, in the memory of `chunk`. */
  read(chunk: Buffer): Buffer {
    let at = 0
    let bytes = 0
    try {
      while (this.end === undefined && at < chunk.length) {
        if (this.#headerBytes < this.#headerNeeded) {
          at += this.#takeHeader(chunk, at)
          continue
        }
        const piece = chunk.subarray(at, at + this.#length - this.#taken)
        unmask(piece, this.#mask, this.#taken)
        if (this.#opcode >= Opcode.close) {
          this.#control.set(piece, this.#taken)
        } else {
          if (bytes < at) chunk.copyWithin(bytes, at, at + piece.length)
          bytes += piece.length
        }
        at += piece.length
        this.#taken += piece.length
        if (this.#taken === this.#length) this.#endFrame()
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.end = { violation: error }
    }
    return chunk.subarray(0, bytes)
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.#headerNeeded - this.#headerBytes, chunk.length - at)
    for (let i = 0; i < bytes; i++) this.#header[this.#headerBytes++] = chunk[at + i]!
    if (this.#headerBytes < this.#headerNeeded) return bytes
    if (this.#headerNeeded === 2) {
      const length = this.#check()
      this.#headerNeeded += 4 + (length === 126 ? 2 : length === 127 ? 8 : 0)
    } else this.#beginFrame()
    return bytes
  }

  /** Looks at the first two bytes; returns the seven bits of length. */
  #check(): number {
    const first = this.#header[0]!
    const second = this.#header[1]!
    const opcode = first & 0x0f
    const isLast = first >= 0x80
    const length = second & 0x7f
    if ((first & 0x70) !== 0) throw new FrameError(CloseCode.protocolError, 'reserved bits are set')
    if (second < 0x80) throw new FrameError(CloseCode.protocolError, 'frame of a client without a mask')
    if (opcode >= Opcode.close) {
      if (opcode > Opcode.pong) throw new FrameError(CloseCode.protocolError, `unknown opcode ${opcode}`)
      if (!isLast || length > controlBytesMax) {
        throw new FrameError(CloseCode.protocolError, 'control frame in parts, or too long')
      }
    } else {
      if (opcode > Opcode.binary) throw new FrameError(CloseCode.protocolError, `unknown opcode ${opcode}`)
      if (opcode === Opcode.text) throw new FrameError(CloseCode.unsupportedData, 'binary only')
      if ((opcode === Opcode.continuation) !== this.#fragmented) {
        throw new FrameError(CloseCode.protocolError, 'frame out of order in a fragmented message')
      }
      this.#fragmented = !isLast
    }
    this.#opcode = opcode
    return length
  }

  /** The header is whole. */
  #beginFrame(): void {
    const header = this.#header
    const mask = this.#headerNeeded - 4
    const high = mask === 10 ? header.readUInt32BE(2) : 0
    // RFC 6455, 5.2: "the most significant bit MUST be 0"
    if (high >= 0x80000000) throw new FrameError(CloseCode.protocolError, 'length of 64 bits')
    // As a float, beyond 2^53 not exact; by then nobody has sent so much.
    if (mask === 10) this.#length = high * 0x100000000 + header.readUInt32BE(6)
    else this.#length = mask === 4 ? header.readUInt16BE(2) : header[1]! & 0x7f
    this.#mask = header.subarray(mask, mask + 4)
    this.#taken = 0
    if (this.#opcode >= Opcode.close) this.#control = Buffer.allocUnsafe(this.#length)
    if (this.#length === 0) this.#endFrame()
  }

  /** The next frame may come. */
  #endFrame(): void {
    this.#headerBytes = 0
    this.#headerNeeded = 2
    if (this.#opcode === Opcode.ping) this.ping = this.#control
    if (this.#opcode !== Opcode.close) return
    const payload = this.#control
    const code = payload.length === 0 ? undefined : payload.length === 1 ? 0 : payload.readUInt16BE(0)
    if (code !== undefined && !isCloseCode(code)) {
      throw new FrameError(CloseCode.protocolError, 'close frame without a valid code')
    }
    this.end = { close: code }
  }
}

/** RFC 6455, 7.4: what may be sent; 1004 to 1006 and 1015 may not. */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
}
