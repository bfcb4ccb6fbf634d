/** Bytes for one read. */
export interface ReadSize {
  least: number
  most: number
  /** Of what is free, for each. */
  part: number
}

/**
 * Reads of the disk that are under way, in bytes. When very many read at once, each reads less: all of them may, for
 * those whose records lie side by side need the same blocks at the same time, and whoever had to wait would read them
 * from the disk once more.
 */
export class Reads {
  private bytes = 0
  private readonly bytesMax: number
  private readonly size: ReadSize

  constructor(bytesMax: number, size: ReadSize) {
    this.bytesMax = bytesMax
    this.size = size
  }

  /** How much one more may read, while `kept` bytes are taken by what was read before. */
  share(kept = 0): number {
    const { least, most, part } = this.size
    const free = this.bytesMax - kept - this.bytes
    return Math.max(least, Math.min(most, Math.floor(free * part)))
  }

  begin(bytes: number): void {
    this.bytes += bytes
  }

  end(bytes: number): void {
    this.bytes -= bytes
  }
}
