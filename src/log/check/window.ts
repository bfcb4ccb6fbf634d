import type { DiskFile } from '../../world/index.ts'

const windowBytes = 1024 * 1024

/** Reads a file from front to back without the cache; going back is possible, and costs a read. */
export class Window {
  private readonly file: DiskFile
  private readonly buffer = Buffer.allocUnsafeSlow(windowBytes)
  private start = 0
  private filled = 0

  constructor(file: DiskFile) {
    this.file = file
  }

  /** The `bytes` at `position`, fewer at the end of the file; valid until the next call. */
  async at(position: number, bytes: number): Promise<Buffer> {
    if (bytes > windowBytes) {
      const large = Buffer.allocUnsafeSlow(bytes)
      return large.subarray(0, await this.file.read(large, position))
    }
    if (position < this.start || position + bytes > this.start + this.filled) {
      this.start = position
      this.filled = await this.file.read(this.buffer, position)
    }
    const from = position - this.start
    return this.buffer.subarray(from, Math.min(from + bytes, this.filled))
  }
}
