/** Input ended early or holds an impossible length: whoever parses outside input maps this to its protocol's error. */
export class MalformedError extends Error {
  override name = 'MalformedError'
}

/**
 * Reads numbers and bytes from a buffer in place. Big-endian unless the name ends in LE.
 * Every read past the end throws `MalformedError`. Slices share the buffer's memory.
 */
export class Reader {
  buffer: Buffer
  position: number
  end: number

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Moves on by `bytes` and returns where they start. */
  take(bytes: number): number {
    const start = this.position
    if (bytes < 0 || bytes > this.end - start) throw new MalformedError(`need ${bytes} bytes, have ${this.end - start}`)
    this.position = start + bytes
    return start
  }

  u8(): number {
    return this.buffer[this.take(1)]!
  }

  i8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  i16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  i32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  /** A signed 64 bit number; throws `MalformedError` where it is not exact as a JS number. */
  i64(): number {
    const at = this.take(8)
    const value = this.buffer.readInt32BE(at) * 0x1_0000_0000 + this.buffer.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw new MalformedError('64 bit number beyond 2^53')
    return value
  }

  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8))
  }

  f32(): number {
    return this.buffer.readFloatBE(this.take(4))
  }

  f64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  u16LE(): number {
    return this.buffer.readUInt16LE(this.take(2))
  }

  u32LE(): number {
    return this.buffer.readUInt32LE(this.take(4))
  }

  u64LE(): number {
    const at = this.take(8)
    const value = this.buffer.readUInt32LE(at) + this.buffer.readUInt32LE(at + 4) * 0x1_0000_0000
    if (!Number.isSafeInteger(value)) throw new MalformedError('64 bit number beyond 2^53')
    return value
  }

  uvarint(): number {
    const { buffer, end } = this
    let at = this.position
    let value = 0
    for (let shift = 0; shift < 28 && at < end; shift += 7) {
      const byte = buffer[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.position = at
        return value
      }
    }
    return this.longUvarint()
  }

  /** Of more than 28 bits, beyond what integers shift; or broken. */
  private longUvarint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    throw new MalformedError('varint too long')
  }

  /** A zigzag varint, as Kafka's records use. */
  varint(): number {
    const raw = this.uvarint()
    if (raw < 0x4000_0000) return (raw >>> 1) ^ -(raw & 1)
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  bytes(length: number): Buffer {
    const start = this.take(length)
    return this.buffer.subarray(start, start + length)
  }

  utf8(length: number): string {
    const start = this.take(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  sized(): Buffer {
    return this.bytes(this.uvarint())
  }

  sizedUtf8(): string {
    return this.utf8(this.uvarint())
  }
}
