import { assert } from '../assert.ts'

/** From here on memory is asked for as it is needed, and given away instead of copied: doubling would waste much. */
const largeBytes = 256 * 1024

/**
 * Appends numbers and bytes to a buffer that doubles when it is full. Big-endian unless the name ends in LE.
 * `finish()` gives what was written as bytes of its own and begins anew; `view()` is valid only until the next write.
 */
export class Writer {
  buffer: Buffer
  length = 0

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  /** Makes room for `bytes` more; returns the position they start at. The caller writes `buffer` itself. */
  reserve(bytes: number): number {
    const start = this.length
    const end = start + bytes
    if (end > this.buffer.length) this.grow(end)
    this.length = end
    return start
  }

  /** Makes room for `bytes` more, and no more than that where it is much. */
  ensure(bytes: number): void {
    const needed = this.length + bytes
    if (bytes >= largeBytes && needed > this.buffer.length) this.resize(needed)
  }

  private grow(needed: number): void {
    let capacity = Math.max(this.buffer.length * 2, 16)
    while (capacity < needed) capacity *= 2
    this.resize(capacity)
  }

  private resize(capacity: number): void {
    const grown = Buffer.allocUnsafe(capacity)
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }

  reset(): void {
    this.length = 0
  }

  view(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  finish(): Buffer {
    const written = this.view()
    this.length = 0
    if (written.length < largeBytes) return Buffer.from(written)
    this.buffer = Buffer.allocUnsafe(1024)
    return written
  }

  u8(value: number): void {
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  u16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeUInt16BE(value, at)
  }

  i16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeUInt32BE(value, at)
  }

  i32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeInt32BE(value, at)
  }

  /** A signed 64 bit number that is exact as a JS number (|value| < 2^53). */
  i64(value: number): void {
    assert(Number.isSafeInteger(value), 'i64 out of the safe range')
    const at = this.reserve(8)
    const high = Math.floor(value / 0x1_0000_0000)
    this.buffer.writeInt32BE(high, at)
    this.buffer.writeUInt32BE(value - high * 0x1_0000_0000, at + 4)
  }

  bigint64(value: bigint): void {
    const at = this.reserve(8)
    this.buffer.writeBigInt64BE(BigInt.asIntN(64, value), at)
  }

  f64(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  u16LE(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeUInt16LE(value, at)
  }

  u32LE(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeUInt32LE(value, at)
  }

  /** An unsigned 64 bit number below 2^53, little-endian. */
  u64LE(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'u64 out of the safe range')
    const at = this.reserve(8)
    const high = Math.floor(value / 0x1_0000_0000)
    this.buffer.writeUInt32LE(value - high * 0x1_0000_0000, at)
    this.buffer.writeUInt32LE(high, at + 4)
  }

  /** An unsigned base-128 varint (LEB128) of a number below 2^53. */
  uvarint(value: number): void {
    assert(value >= 0, 'uvarint of a negative number')
    let rest = value
    while (rest > 0x7f) {
      this.u8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.u8(rest)
  }

  /** A zigzag varint, as Kafka's records use (varint and varlong alike). */
  varint(value: number): void {
    assert(value >= -(2 ** 52), 'varint below what doubles hold exactly')
    this.uvarint(value >= 0 ? value * 2 : value * -2 - 1)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  utf8(text: string): void {
    const at = this.reserve(Buffer.byteLength(text))
    this.buffer.write(text, at)
  }

  /** `uvarint` length, then the bytes. */
  sized(bytes: Uint8Array): void {
    this.uvarint(bytes.length)
    this.bytes(bytes)
  }

  /** `uvarint` length, then UTF-8. */
  sizedUtf8(text: string): void {
    this.uvarint(Buffer.byteLength(text))
    this.utf8(text)
  }
}
