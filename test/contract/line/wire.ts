import { plainNames, type Pattern } from '../../../src/core/index.ts'

/** A line longer than this is an attack, or not our protocol. */
const lineBytesMax = 64 * 1024

/** Cuts lines out of chunks as they come: `line = *OCTET LF`, a CR before the LF is dropped. */
export class LineReader {
  #rest = ''
  #lines = 0

  /** Number of the line that has come in part; 0: none has. */
  get unfinished(): number {
    return this.#rest === '' ? 0 : this.#lines + 1
  }

  /** The lines that `chunk` completes; undefined when what is left is too long to be one. */
  take(chunk: Buffer): string[] | undefined {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n')
    this.#rest = lines.pop()!
    this.#lines += lines.length
    return this.#rest.length > lineBytesMax ? undefined : lines.map((line) => line.replace(/\r$/, ''))
  }
}

/** `orders.*.new`, `orders.#`: `*` is one level, `#` any number of them. */
export function parsePattern(text: string): Pattern {
  const wildcards = new Map([
    ['*', { any: 'one' } as const],
    ['#', { any: 'rest' } as const],
  ])
  return { levels: plainNames.decode(text).map((level) => wildcards.get(level) ?? level) }
}
