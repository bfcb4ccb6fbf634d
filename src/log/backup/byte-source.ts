import { MalformedError } from '../../base/index.ts'

/** Bytes that come in pieces of any size, taken in pieces of any other; holds no more than it was given last. */
export class ByteSource {
  position = 0
  private readonly chunks: AsyncIterator<Buffer>
  private piece: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>) {
    this.chunks = chunks[Symbol.asyncIterator]()
  }

  /** At least one byte and at most `bytes`. Rejects with `MalformedError` at the end. */
  async some(bytes: number): Promise<Buffer> {
    if (!(await this.fill())) throw new MalformedError('it is cut short')
    const taken = this.piece.subarray(0, bytes)
    this.piece = this.piece.subarray(taken.length)
    this.position += taken.length
    return taken
  }

  /** Exactly `bytes`. */
  async take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = bytes; left > 0;) {
      const part = await this.some(left)
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** Takes what is left, whatever it is: whoever sends it can then end. */
  async rest(): Promise<void> {
    while (await this.fill()) this.piece = this.piece.subarray(this.piece.length)
  }

  private async fill(): Promise<boolean> {
    while (this.piece.length === 0) {
      const next = await this.chunks.next()
      if (next.done === true) return false
      this.piece = next.value
    }
    return true
  }
}
