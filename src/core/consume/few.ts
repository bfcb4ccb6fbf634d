/** Work that is under way a few at a time; the rest waits in line. */
export class Few {
  private free: number
  private readonly waiting = new Set<() => void>()

  constructor(atOnceMax: number) {
    this.free = atOnceMax
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.waiting.add(resolve))
    try {
      await work()
    } finally {
      this.next()
    }
  }

  private next(): void {
    for (const resolve of this.waiting) {
      this.waiting.delete(resolve)
      resolve()
      return
    }
    this.free++
  }
}
