import type { Id } from '../facade/index.ts'

/** Why an offset is neither ready nor settled. */
export const held = { leased: 1, delayed: 2, blocked: 3, parked: 4, withheld: 5 } as const

/** The columns of all tables that are empty: never written to. */
const nothing = {
  offsets: new Float64Array(2).fill(-1),
  numbers: new Float64Array(2),
  bytes: new Uint32Array(2),
  attempts: new Uint16Array(2),
  states: new Uint8Array(2),
}

/**
 * What is known of each offset that is leased, delayed, blocked or held back: a hash in columns, no object each. Slots are
 * valid until the next `insert` or `remove`.
 */
export class HeldTable {
  size = 0
  private capacity = 2
  private shift = 31
  offsets = nothing.offsets
  /** End of the lease or delay, ms; Infinity: none. */
  untils = nothing.numbers
  consumers = nothing.numbers
  bytes = nothing.bytes
  /** Number of this delivery, or of the last one. */
  attempts = nothing.attempts
  states = nothing.states

  /** Slot of `offset`, or -1. */
  find(offset: number): number {
    const mask = this.capacity - 1
    for (let slot = this.home(offset); ; slot = (slot + 1) & mask) {
      const there = this.offsets[slot]!
      if (there === offset) return slot
      if (there < 0) return -1
    }
  }

  /** It is not there yet. */
  insert(offset: number, state: number, attempt: number, consumer: Id, until: number, bytes: number): void {
    if (this.size * 3 >= this.capacity * 2 || this.capacity === 2) this.resize(Math.max(16, this.capacity * 2))
    const mask = this.capacity - 1
    let slot = this.home(offset)
    while (this.offsets[slot]! >= 0) slot = (slot + 1) & mask
    this.offsets[slot] = offset
    this.states[slot] = state
    this.attempts[slot] = attempt
    this.consumers[slot] = consumer
    this.untils[slot] = until
    this.bytes[slot] = bytes
    this.size++
  }

  /** Moves back what stands behind, so that no tombstones are left. */
  remove(slot: number): void {
    const mask = this.capacity - 1
    let hole = slot
    for (let at = (slot + 1) & mask; this.offsets[at]! >= 0; at = (at + 1) & mask) {
      const home = this.home(this.offsets[at]!)
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      this.move(at, hole)
      hole = at
    }
    this.offsets[hole] = -1
    this.size--
    if (this.capacity > 1024 && this.size * 8 < this.capacity) this.resize(this.capacity / 2)
  }

  /** Calls `visit` with each slot; it must not insert or remove. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.capacity; slot++) if (this.offsets[slot]! >= 0) visit(slot)
  }

  clear(): void {
    this.size = 0
    this.capacity = 2
    this.shift = 31
    this.offsets = nothing.offsets
    this.untils = this.consumers = nothing.numbers
    this.bytes = nothing.bytes
    this.attempts = nothing.attempts
    this.states = nothing.states
  }

  /** Consecutive offsets come to lie far apart (Fibonacci hashing), else removing from a run would walk all of it. */
  private home(offset: number): number {
    const high = Math.floor(offset / 0x1_0000_0000)
    return Math.imul((offset | 0) ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1) >>> this.shift
  }

  private move(from: number, to: number): void {
    this.offsets[to] = this.offsets[from]!
    this.untils[to] = this.untils[from]!
    this.consumers[to] = this.consumers[from]!
    this.bytes[to] = this.bytes[from]!
    this.attempts[to] = this.attempts[from]!
    this.states[to] = this.states[from]!
  }

  private resize(capacity: number): void {
    const { offsets, states, attempts, consumers, untils, bytes } = this
    this.allocate(capacity)
    this.size = 0
    for (let slot = 0; slot < offsets.length; slot++) {
      const offset = offsets[slot]!
      if (offset < 0) continue
      this.insert(offset, states[slot]!, attempts[slot]!, consumers[slot]!, untils[slot]!, bytes[slot]!)
    }
  }

  private allocate(capacity: number): void {
    this.capacity = capacity
    this.shift = 32 - Math.log2(capacity)
    this.offsets = new Float64Array(capacity).fill(-1)
    this.untils = new Float64Array(capacity)
    this.consumers = new Float64Array(capacity)
    this.bytes = new Uint32Array(capacity)
    this.attempts = new Uint16Array(capacity)
    this.states = new Uint8Array(capacity)
  }
}
