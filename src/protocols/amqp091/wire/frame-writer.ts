/** Frame types, and the octet that ends every frame. */
export const frameMethod = 1
export const frameHeader = 2
export const frameBody = 3
export const frameHeartbeat = 8
export const frameEnd = 206

/** Bytes of a frame around its payload: type 1, channel 2, size 4, end 1. */
export const frameOverheadBytes = 8

const slabBytes = 64 * 1024

/**
 * Writes frames one after the other into a slab of memory that all connections share. `take()` hands out what was
 * written since the last `take()` without a copy; those bytes are never touched again, the next frames go behind them.
 * So whoever writes must take before anybody else writes: encode in one go, never across a turn.
 */
export class FrameWriter {
  buffer = Buffer.allocUnsafeSlow(slabBytes)
  length = 0
  private start = 0

  /** Bytes written and not yet taken. */
  get pending(): number {
    return this.length - this.start
  }

  take(): Buffer {
    const taken = this.buffer.subarray(this.start, this.length)
    this.start = this.length
    return taken
  }

  /** Makes room for `bytes` more; returns where they start. */
  reserve(bytes: number): number {
    if (this.length + bytes > this.buffer.length) this.move(bytes)
    const at = this.length
    this.length = at + bytes
    return at
  }

  /** Goes on in a new slab, with what was not yet taken copied to its front. */
  private move(bytes: number): void {
    const pending = this.pending
    const next = Buffer.allocUnsafeSlow(Math.max(slabBytes, (pending + bytes) * 2))
    this.buffer.copy(next, 0, this.start, this.length)
    this.buffer = next
    this.start = 0
    this.length = pending
  }

  u8(value: number): void {
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  u16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeUInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeUInt32BE(value, at)
  }

  i32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeInt32BE(value, at)
  }

  /** An unsigned 64 bit number below 2^53. */
  u64(value: number): void {
    const at = this.reserve(8)
    const high = Math.floor(value / 0x1_0000_0000)
    this.buffer.writeUInt32BE(high, at)
    this.buffer.writeUInt32BE(value - high * 0x1_0000_0000, at + 4)
  }

  bigint64(value: bigint): void {
    const at = this.reserve(8)
    this.buffer.writeBigInt64BE(BigInt.asIntN(64, value), at)
  }

  f32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeFloatBE(value, at)
  }

  f64(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  /** A binary string (one char a byte) of at most 255 bytes; what is longer is cut. */
  shortstr(value: string): void {
    const bytes = Math.min(value.length, 255)
    const at = this.reserve(1 + bytes)
    this.buffer[at] = bytes
    this.buffer.write(value, at + 1, bytes, 'latin1')
  }

  longstr(bytes: Uint8Array): void {
    this.u32(bytes.length)
    this.bytes(bytes)
  }

  /** Returns how far the frame's start is from the first untaken byte, for `endFrame`. */
  beginFrame(type: number, channel: number): number {
    const at = this.reserve(7)
    this.buffer[at] = type
    this.buffer.writeUInt16BE(channel, at + 1)
    return at - this.start
  }

  endFrame(begun: number): void {
    this.u8(frameEnd)
    const at = this.start + begun
    this.buffer.writeUInt32BE(this.length - at - frameOverheadBytes, at + 3)
  }
}
