/** Lets so many reads to the disk at once; the others wait their turn, so that commits never do (D3). */
export class ReadGate {
  private free: number
  private readonly waiting: (() => void)[] = []

  constructor(readsMax: number) {
    this.free = readsMax
  }

  async run<T>(read: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--
    else await new Promise<void>((go) => this.waiting.push(go))
    try {
      return await read()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.free++
      else next()
    }
  }

  /** There is a free place and nobody waits for one, so reading ahead takes nothing from anybody. */
  get idle(): boolean {
    return this.free > 0 && this.waiting.length === 0
  }
}
