interface Slot {
  /** Null until it may go. */
  run: (() => void) | null
}

/**
 * Replies of one connection, in the order of what they answer: a reply that waits for its commit holds back those
 * behind it. One slot for each synchronous method and each chunk of publishes, never one for each message.
 */
export class Outbox {
  private slots: Slot[] = []
  private head = 0
  private dropped = false
  private readonly progressed: () => void

  /** `progressed` is called whenever replies have gone that had to wait. */
  constructor(progressed: () => void) {
    this.progressed = progressed
  }

  get waiting(): number {
    return this.slots.length - this.head
  }

  /** `reply` runs when everything before it has gone. */
  push(reply: () => void): void {
    if (this.waiting === 0) reply()
    else this.slots.push({ run: reply })
  }

  /** `reply` runs when `promise` is there and everything before it has gone. */
  after<T>(promise: Promise<T>, reply: (value: T) => void, failed: (error: unknown) => void): void {
    const slot: Slot = { run: null }
    this.slots.push(slot)
    promise.then(
      (value) => {
        this.resolve(slot, () => reply(value))
      },
      (error: unknown) => {
        this.resolve(slot, () => failed(error))
      },
    )
  }

  /** The connection is gone: nobody reads what would still come. */
  drop(): void {
    this.dropped = true
    this.slots = []
    this.head = 0
  }

  private resolve(slot: Slot, run: () => void): void {
    if (this.dropped) return
    slot.run = run
    while (this.head < this.slots.length) {
      const next = this.slots[this.head]!
      if (next.run === null) break
      this.head++
      next.run()
    }
    if (this.head === this.slots.length) {
      this.slots = []
      this.head = 0
    } else if (this.head > 256 && this.head * 2 > this.slots.length) {
      this.slots = this.slots.slice(this.head)
      this.head = 0
    }
    this.progressed()
  }
}
