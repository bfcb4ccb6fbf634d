const firstBytes = 256

/**
 * A packet that a chunk cut. Grows by doubling as bytes really arrive, so announcing a large packet costs the server
 * nothing. Never used twice: what is read from it shares its memory.
 */
export class CutPacket {
  bytes: Buffer
  length = 0
  /** The packet's length; 0 while its fixed header is cut. */
  needed: number

  constructor(chunk: Buffer, start: number, needed: number) {
    this.needed = needed
    this.bytes = Buffer.allocUnsafeSlow(capacityFor(chunk.length - start, needed))
    this.append(chunk, start, chunk.length - start)
  }

  /** Takes at most `count` bytes of `chunk` from `start`; returns how many there were. */
  append(chunk: Buffer, start: number, count: number): number {
    const taken = Math.min(count, chunk.length - start)
    const length = this.length + taken
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(capacityFor(Math.max(length, this.length * 2), this.needed))
      this.bytes.copy(grown, 0, 0, this.length)
      this.bytes = grown
    }
    chunk.copy(this.bytes, this.length, start, start + taken)
    this.length = length
    return taken
  }
}

function capacityFor(length: number, needed: number): number {
  return needed === 0 ? Math.max(length, 8) : Math.min(needed, Math.max(length, firstBytes))
}
