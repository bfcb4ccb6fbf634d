/** A line longer than this is an attack, or not our protocol. */
const lineBytesMax = 64 * 1024

/**
 * Cuts lines out of chunks as they come: `line = *OCTET LF`, a CR before the LF is dropped. Keeps what is left of an
 * unfinished line.
 */
export class LineReader {
  #rest: Buffer[] = []
  #restBytes = 0

  /** The lines that `chunk` completes; undefined when one is too long. */
  take(chunk: Buffer): string[] | undefined {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#keep(chunk.subarray(start, end))
      lines.push(this.#finish())
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    return this.#restBytes > lineBytesMax ? undefined : lines
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#rest.push(part)
    this.#restBytes += part.length
  }

  #finish(): string {
    const line = Buffer.concat(this.#rest, this.#restBytes).toString('latin1')
    this.#rest = []
    this.#restBytes = 0
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}
