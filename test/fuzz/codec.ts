import assert from 'node:assert/strict'
import type { SimRandom } from '../../src/world/sim/random.ts'

/** Something that takes bytes from outside, as the fuzzer sees it. */
export interface Codec {
  readonly name: string
  /** What real clients sent, or well-formed inputs made here: they are what is changed. */
  readonly seeds: readonly Buffer[]
  /** Makes a value up, encodes it, reads it back and compares; returns the bytes, which are changed further. */
  roundTrip?(random: SimRandom): Buffer
  /** Changes well-formed input with knowledge of its form, for half of the inputs; they are given as they are. */
  changed?(random: SimRandom): Buffer
  /**
   * Takes the bytes as the product does. True: they were taken; false: refused with the codec's own error. Anything
   * thrown is a finding. `random` depends on the input only.
   */
  take(input: Buffer, random: SimRandom): boolean | Promise<boolean>
  /** Makes lengths and checksums right, so that what stands behind them is reached. Some inputs are given without. */
  mend?(input: Buffer): Buffer
  /** Bytes of buffers that may be asked for: so many, and so many for each byte of input. Default 64 KiB and 64. */
  readonly memory?: { free: number; perByte: number }
  /** One of so many inputs is given to it: whole sessions are slow. Default 1. */
  readonly oneOf?: number
}

/** False for a refusal of the expected kinds; anything else goes on. */
export function refused(run: () => void, ...kinds: readonly (new (...args: never[]) => Error)[]): boolean {
  try {
    run()
    return false
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return true
    throw error
  }
}

/** Cuts the input at random places, often in single bytes. */
export function chunksOf(input: Buffer, random: SimRandom): Buffer[] {
  const chunks: Buffer[] = []
  const most = random.once(3) ? 1 : 1 + random.below(64)
  for (let at = 0; at < input.length;) {
    const end = Math.min(input.length, at + 1 + random.below(most))
    // Memory of its own, as it comes from a socket.
    chunks.push(Buffer.from(input.subarray(at, end)))
    at = end
  }
  return chunks
}

/** All that `expected` has, `found` has equal; `found` may have more. */
export function assertCovers(found: unknown, expected: unknown, path = ''): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(found) && found.length === expected.length, `${path}: ${String(found)}`)
    expected.forEach((each, i) => assertCovers((found as unknown[])[i], each, `${path}[${i}]`))
  } else if (typeof expected === 'object' && expected !== null && !Buffer.isBuffer(expected)) {
    for (const [key, value] of Object.entries(expected)) {
      assertCovers((found as Record<string, unknown>)[key], value, `${path}.${key}`)
    }
  } else {
    assert.deepStrictEqual(found, expected, path)
  }
}
