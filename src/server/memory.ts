/** The least that one connection may take of a budget, however little is left: what is small must always get through. */
export const shareBytesMin = 16 * 1024

/**
 * Memory that connections have in common. Each may take a part of what is still free: the more is taken, the less one
 * more may have, so that a few greedy ones leave room for the others, and many together never reach the end. Nobody
 * has to be counted or asked to give back (dynamic thresholds, Choudhury and Hahne 1998).
 */
export class Budget {
  used = 0
  bytesMax: number
  readonly #part: number

  /** `part`: of what is free, for each. One alone then takes `part / (1 + part)` of all. */
  constructor(bytesMax: number, part: number) {
    this.bytesMax = bytesMax
    this.#part = part
  }

  /** What one connection may hold now. */
  get share(): number {
    return Math.max(0, this.bytesMax - this.used) * this.#part
  }
}

/** A large message that has come in part, or waits for its answer. */
export interface Arrival {
  /** Of the whole message. */
  bytes: number
  /** Its turn has come. */
  admitted(): void
}

/**
 * Who may go on receiving a large message: first come, first served, while less than the bound is under way. The whole
 * of a message counts from its beginning, so whoever was admitted can come to its end. The last one admitted may pass
 * the bound: a message larger than all of it still gets through, alone.
 */
export class Admission {
  used = 0
  bytesMax: number
  readonly #line = new Set<Arrival>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get waiting(): number {
    return this.#line.size
  }

  /** False: `admitted` is called later. */
  enter(arrival: Arrival): boolean {
    if (this.#line.size > 0 || this.used >= this.bytesMax) {
      this.#line.add(arrival)
      return false
    }
    this.used += arrival.bytes
    return true
  }

  /** It turns out to be of another size. Who was admitted goes on, or two who both want more would wait for ever. */
  resize(arrival: Arrival, bytes: number): void {
    if (!this.#line.has(arrival)) this.used += bytes - arrival.bytes
    arrival.bytes = bytes
    this.#next()
  }

  /** It is whole, or will never be. */
  leave(arrival: Arrival): void {
    if (!this.#line.delete(arrival)) this.used -= arrival.bytes
    this.#next()
  }

  #next(): void {
    for (const arrival of this.#line) {
      if (this.used >= this.bytesMax) return
      this.#line.delete(arrival)
      this.used += arrival.bytes
      arrival.admitted()
    }
  }
}

/** How long a publish should wait behind others. */
const waitMsMax = 250
/** The disk always has so much to do. */
const waitingBytesMin = 1024 * 1024
/** How quickly what was measured before is forgotten, for each tick. */
const smoothing = 1 / 8

/**
 * What clients can make the broker hold, out of one setting (`limits.memoryBytes`); decision 26 says why in parts. What
 * is not given out, three sixteenths, is for copies on the way and for garbage.
 */
export class Memory {
  /** Large messages, until they are answered. */
  readonly arriving: Admission
  /** Publishes that wait for the disk, and so for their answer. */
  readonly unanswered: Budget
  /** What waits for slow readers. */
  readonly unsent: Budget
  readonly #waitingBytesMax: number
  #answered = 0
  /** Bytes that the disk takes in a millisecond. */
  #rate = Infinity

  constructor(bytesMax: number) {
    this.#waitingBytesMax = bytesMax / 16
    this.arriving = new Admission(this.#waitingBytesMax)
    this.unanswered = new Budget(this.#waitingBytesMax, 2)
    this.unsent = new Budget(bytesMax / 2, 1 / 4)
  }

  answered(bytes: number): void {
    this.#answered += bytes
  }

  /**
   * Every newcomer waits behind all that waits for the disk already, so no more may wait than the disk takes in a
   * moment: on a slow one that is less than there would be memory for. To be called every `ms`.
   */
  tick(ms: number): void {
    const rate = this.#answered / ms
    this.#answered = 0
    const busy = this.arriving.waiting > 0 || this.unanswered.used > this.unanswered.bytesMax / 4
    if (!busy) this.#rate = Infinity
    else this.#rate = this.#rate === Infinity ? this.#waitingBytesMax / waitMsMax : this.#rate
    if (busy) this.#rate += (rate - this.#rate) * smoothing
    const bytesMax = Math.min(this.#waitingBytesMax, Math.max(waitingBytesMin, this.#rate * waitMsMax))
    this.arriving.bytesMax = bytesMax
    this.unanswered.bytesMax = bytesMax
  }
}
