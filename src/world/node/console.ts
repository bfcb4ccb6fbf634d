import { readFileSync, writeSync } from 'node:fs'

/** One line to standard error, at once: what is said before a crash must be there after it. */
export const writeError = (line: string): void => writeOrLose(2, line)

/** One line to standard output, as a broker says it. */
export const announce = (line: string): void => writeOrLose(1, line)

/** A pipe that nobody empties must not stop the broker: the line is lost then. */
const attemptsMax = 1000

function writeOrLose(descriptor: 1 | 2, line: string): void {
  let rest = Buffer.from(`${line}\n`)
  for (let attempts = 0; rest.length > 0 && attempts < attemptsMax; attempts++) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      // A full pipe says "again"; for a closed one there is nobody left to tell.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
    }
  }
}

/** What a command was asked for cannot be written. `closed`: nobody reads it any more. */
export class OutputError extends Error {
  override name = 'OutputError'
  readonly closed: boolean

  constructor(error: NodeJS.ErrnoException) {
    super(`standard output: ${error.message}`)
    this.closed = error.code === 'EPIPE'
  }
}

const fullPipeMs = 5

/** A line of what a command was asked for: all of it, as fast as it is taken. Throws an `OutputError`. */
export function writeOutput(line: string): void {
  let rest = Buffer.from(`${line}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw new OutputError(error as Error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeMs)
    }
  }
}

/** A file's text, or undefined when there is no such file. */
export function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** All of standard input. */
export async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Standard input as it comes. */
export const inputChunks = (): AsyncIterable<Buffer> => process.stdin

/** To standard output, as fast as it takes it. Rejects with an `OutputError`. */
export function writeOutputBytes(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new OutputError(error))
    process.stdout.once('error', failed)
    process.stdout.write(bytes, (error) => {
      if (error) return failed(error)
      process.stdout.off('error', failed)
      resolve()
    })
  })
}
