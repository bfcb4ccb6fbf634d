/** Lets so many in at once; the others wait their turn, in the order in which they came. */
export class Gate {
  private free: number
  private readonly waiting: (() => void)[] = []

  constructor(most: number) {
    this.free = most
  }

  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.free > 0) this.free--
    else await new Promise<void>((go) => this.waiting.push(go))
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.free++
      else next()
    }
  }

  /** There is a free place, and nobody waits for one. */
  get idle(): boolean {
    return this.free > 0 && this.waiting.length === 0
  }
}
