import type { Reader, Writer } from '../../base/index.ts'
import type { Producer } from '../facade/index.ts'

/** How many batches of a producer are remembered: a client has at most this many on the way. */
export const batchesKept = 5
const sequenceMax = 0x7fff_ffff

export type ProducerVerdict =
  | { verdict: 'append' }
  | { verdict: 'duplicate'; baseOffset: number; appendTime: number }
  | { verdict: 'outOfOrder'; expected: number }
  | { verdict: 'fenced'; epoch: number }

interface KeptBatch {
  first: number
  last: number
  baseOffset: number
  appendTime: number
}

interface ProducerState {
  epoch: number
  /** Newest last. */
  batches: KeptBatch[]
  /** Append time of the newest. */
  usedAt: number
}

const append: ProducerVerdict = { verdict: 'append' }

/** `sequence + count`, wrapping from 2^31 - 1 to 0. */
export const sequenceAfter = (sequence: number, count: number): number => (sequence + count) % (sequenceMax + 1)

/**
 * Who appended what to one partition: idempotence as Kafka has it (KIP-98, KIP-360). Bounded: beyond `producersMax` the
 * one unused for longest goes; its next batch is then taken at any sequence, as from a producer never seen.
 */
export class Producers {
  private readonly states = new Map<number, ProducerState>()
  private readonly producersMax: number

  constructor(producersMax = 10_000) {
    this.producersMax = producersMax
  }

  get size(): number {
    return this.states.size
  }

  check(producer: Producer, count: number): ProducerVerdict {
    const state = this.states.get(producer.id)
    if (state === undefined) return append
    if (producer.epoch < state.epoch) return { verdict: 'fenced', epoch: state.epoch }
    if (producer.epoch > state.epoch) return producer.sequence === 0 ? append : { verdict: 'outOfOrder', expected: 0 }
    const last = sequenceAfter(producer.sequence, count - 1)
    for (const kept of state.batches) {
      if (kept.first === producer.sequence && kept.last === last) {
        return { verdict: 'duplicate', baseOffset: kept.baseOffset, appendTime: kept.appendTime }
      }
    }
    const expected = sequenceAfter(state.batches.at(-1)!.last, 1)
    return producer.sequence === expected ? append : { verdict: 'outOfOrder', expected }
  }

  /** After `check` said `append`, or at replay (again is harmless). */
  record(producer: Producer, count: number, baseOffset: number, appendTime: number): void {
    // A journal of before they were refused may hold such; they have no place in a checkpoint.
    if (producer.epoch < 0 || producer.sequence < 0) return
    let state = this.states.get(producer.id)
    if (state !== undefined) {
      if (producer.epoch < state.epoch || baseOffset <= state.batches.at(-1)!.baseOffset) return
      this.states.delete(producer.id)
      if (producer.epoch > state.epoch) state = undefined
    }
    state ??= { epoch: producer.epoch, batches: [], usedAt: appendTime }
    const last = sequenceAfter(producer.sequence, count - 1)
    if (state.batches.length === batchesKept) state.batches.shift()
    state.batches.push({ first: producer.sequence, last, baseOffset, appendTime })
    state.usedAt = appendTime
    this.states.set(producer.id, state)
    if (this.states.size > this.producersMax) this.states.delete(this.states.keys().next().value!)
  }

  /** The broker's time of a batch is known when its commit is sealed; before, `record` was told an estimate. */
  expire(unusedSince: number): void {
    for (const [id, state] of this.states) {
      if (state.usedAt >= unusedSince) return
      this.states.delete(id)
    }
  }

  write(w: Writer): void {
    w.uvarint(this.states.size)
    for (const [id, state] of this.states) {
      w.uvarint(id)
      w.uvarint(state.epoch)
      w.uvarint(state.batches.length)
      for (const kept of state.batches) {
        w.uvarint(kept.first)
        w.uvarint(kept.last)
        w.uvarint(kept.baseOffset)
        w.uvarint(kept.appendTime)
      }
    }
  }

  /** Replaces what is there. */
  read(r: Reader): void {
    this.states.clear()
    for (let n = r.uvarint(); n > 0; n--) {
      const id = r.uvarint()
      const epoch = r.uvarint()
      const batches = Array.from({ length: r.uvarint() }, () => ({
        first: r.uvarint(),
        last: r.uvarint(),
        baseOffset: r.uvarint(),
        appendTime: r.uvarint(),
      }))
      this.states.set(id, { epoch, batches, usedAt: batches.at(-1)?.appendTime ?? 0 })
    }
  }
}
