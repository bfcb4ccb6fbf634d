import { crc32c } from '../../src/base/index.ts'
import { SimRandom } from '../../src/world/sim/random.ts'
import { bytesAskedIn } from './allocations.ts'
import type { Codec } from './codec.ts'
import type { Coverage } from './coverage.ts'
import { mutate, noise, pick } from './mutate.ts'

export interface Finding {
  codec: string
  error: string
  /** The smallest input found that still does it. */
  hex: string
}

export interface Result {
  codec: string
  inputs: number
  taken: number
  /** Inputs kept because they reached code that none before did. */
  corpus: number
  inputsPerSecond: number
  slowestMs: number
  findings: Finding[]
}

/** `raw` is what is changed further when it proves good. */
interface Input {
  raw: Buffer
  given: Buffer
}

const batchInputs = 200
const corpusMax = 250
const findingsMax = 5
/** A single input of at most 16 KiB that takes so long, three times in a row, hangs. */
const hangMs = 2000

/** Gives one input to the codec; the error, or null. */
export async function tryInput(codec: Codec, input: Buffer): Promise<{ error: Error | null; taken: boolean }> {
  const random = new SimRandom(crc32c(input))
  const { free, perByte } = codec.memory ?? { free: 64 * 1024, perByte: 64 }
  try {
    const { result, bytes } = bytesAskedIn(() => codec.take(Buffer.from(input), random))
    const taken = typeof result === 'boolean' ? result : await result
    if (bytes > free + perByte * input.length) throw new Error(`asks for ${bytes} bytes of memory`)
    return { error: null, taken }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)), taken: false }
  }
}

/** Cuts pieces out and writes zeros for as long as the same error comes. */
export async function minimize(codec: Codec, input: Buffer, message: string): Promise<Buffer> {
  const same = async (bytes: Buffer): Promise<boolean> => {
    const { error } = await tryInput(codec, bytes)
    return error !== null && error.message.slice(0, 40) === message.slice(0, 40)
  }
  let best = input
  for (let piece = best.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at + piece <= best.length;) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + piece)])
      if (await same(shorter)) best = shorter
      else at += piece
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] === 0) continue
    const plainer = Buffer.from(best)
    plainer[at] = 0
    if (await same(plainer)) best = plainer
  }
  return best
}

/** One codec's run: rounds of made-up values, noise, and changed seeds; what reaches new code is changed further. */
export class Run {
  private readonly codec: Codec
  private readonly random: SimRandom
  private readonly coverage: Coverage | null
  private readonly corpus: Buffer[]
  private readonly findings: Finding[] = []
  private readonly messages = new Set<string>()
  private inputs = 0
  private taken = 0
  private slowestMs = 0
  /** Batches until coverage is looked at again: looking costs, and pays less and less. */
  private pause = 0
  private patience = 0

  constructor(codec: Codec, seed: number, coverage: Coverage | null) {
    this.codec = codec
    this.random = new SimRandom(seed)
    this.coverage = coverage
    this.corpus = codec.seeds.length > 0 ? [...codec.seeds] : [Buffer.alloc(1)]
  }

  /** Gives `count` inputs, or as many as fit into `msMax`. */
  async upTo(count: number, msMax = Infinity): Promise<Result> {
    const began = performance.now()
    // Most inputs are refused with an error, whose stack costs more than all else.
    Error.stackTraceLimit = 0
    for (const seed of this.codec.seeds) await this.give(seed)
    this.coverage?.fresh()
    const more = (): boolean => this.inputs < count && performance.now() - began < msMax
    while (more() && this.findings.length < findingsMax) {
      const batch: Input[] = []
      for (let i = Math.min(batchInputs, count - this.inputs); i > 0; i--) {
        const input = await this.next()
        if (input !== null) batch.push(input)
      }
      for (const { given } of batch) await this.give(given)
      await this.learn(batch)
    }
    const seconds = (performance.now() - began) / 1000
    return {
      codec: this.codec.name,
      inputs: this.inputs,
      taken: this.taken,
      corpus: this.corpus.length,
      inputsPerSecond: Math.round(this.inputs / seconds),
      slowestMs: Number(this.slowestMs.toFixed(1)),
      findings: this.findings,
    }
  }

  private async next(): Promise<Input | null> {
    const { random, codec } = this
    if (codec.changed !== undefined && random.once(2)) {
      const raw = codec.changed(random)
      return { raw, given: raw }
    }
    const kind = random.below(20)
    let raw: Buffer
    if (kind < 3 && codec.roundTrip !== undefined) {
      try {
        raw = codec.roundTrip(random)
      } catch (error) {
        this.inputs++
        await this.found(Buffer.alloc(0), error as Error)
        return null
      }
      if (kind > 0) raw = mutate(random, raw, pick(random, this.corpus))
    } else if (kind === 3) {
      raw = noise(random)
    } else {
      raw = mutate(random, pick(random, this.corpus), pick(random, this.corpus))
    }
    return { raw, given: codec.mend !== undefined && !random.once(8) ? codec.mend(raw) : raw }
  }

  private async give(input: Buffer): Promise<void> {
    this.inputs++
    let took = Infinity
    for (let tries = 0; tries < 3 && took > hangMs; tries++) {
      const began = performance.now()
      const { error, taken } = await tryInput(this.codec, input)
      took = performance.now() - began
      if (error !== null) return this.found(input, error)
      if (taken && tries === 0) this.taken++
    }
    this.slowestMs = Math.max(this.slowestMs, took)
    if (took > hangMs) await this.found(input, new Error(`takes ${took.toFixed(0)} ms`))
  }

  private async found(input: Buffer, error: Error): Promise<void> {
    const key = error.message.replaceAll(/\d+/g, '').slice(0, 40)
    if (this.messages.has(key)) return
    this.messages.add(key)
    Error.stackTraceLimit = 10
    const again = (await tryInput(this.codec, input)).error ?? error
    Error.stackTraceLimit = 0
    const smallest = await minimize(this.codec, input, error.message)
    this.findings.push({ codec: this.codec.name, error: again.stack ?? again.message, hex: smallest.toString('hex') })
  }

  /** Keeps of the batch what ran something new: looked for by halves, since looking is dear. */
  private async learn(batch: readonly Input[]): Promise<void> {
    if (this.coverage === null || this.corpus.length >= corpusMax || this.pause-- > 0) return
    const fresh = this.coverage.fresh()
    if (fresh.size === 0) {
      this.patience = Math.min(this.patience + 1, 100)
      this.pause = this.patience
      return
    }
    this.patience = 0
    this.pause = 0
    await this.keep(this.coverage, batch, fresh)
  }

  /** `fresh` shrinks: a block needs one input that reaches it. */
  private async keep(coverage: Coverage, batch: readonly Input[], fresh: Set<string>): Promise<void> {
    if (this.corpus.length >= corpusMax) return
    coverage.ran()
    for (const { given } of batch) await tryInput(this.codec, given)
    const reached = coverage.ran().filter((block) => fresh.has(block))
    if (reached.length === 0) return
    if (batch.length === 1) {
      this.corpus.push(batch[0]!.raw)
      for (const block of reached) fresh.delete(block)
      return
    }
    const middle = batch.length >> 1
    await this.keep(coverage, batch.slice(0, middle), fresh)
    if (fresh.size > 0) await this.keep(coverage, batch.slice(middle), fresh)
  }
}
