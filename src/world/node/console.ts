import { readFileSync, writeSync } from 'node:fs'

/** One line to standard error, at once: what is said before a crash must be there after it. */
export function writeError(line: string): void {
  writeLine(2, line)
}

export function writeOutput(line: string): void {
  writeLine(1, line)
}

/** A pipe that nobody empties must not stop the broker: the line is lost then. */
const attemptsMax = 1000

function writeLine(descriptor: 1 | 2, line: string): void {
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

/** To standard output, as fast as it takes it. Rejects when nobody reads it. */
export function writeOutputBytes(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(error)
    process.stdout.once('error', failed)
    process.stdout.write(bytes, (error) => {
      if (error) return reject(error)
      process.stdout.off('error', failed)
      resolve()
    })
  })
}
