interface Slot {
  /** Null until it may go. */
  run: (() => void) | null
  /** It only adds to what is said together. */
  gathers: boolean
}

/**
 * Replies of one connection, in the order of what they answer: a reply that waits for its commit holds back those
 * behind it. One slot for each synchronous method and each chunk of publishes, never one for each message.
 */
export class Outbox {
  private slots: Slot[] = []
  private head = 0
  private dropped = false
  private gathering = false
  /** Says what replies that gather have added: after the last of those that may go together. */
  gathered: () => void = () => undefined
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
    else this.slots.push({ run: reply, gathers: false })
  }

  /**
   * `reply` runs when `promise` is there and everything before it has gone. With `gathers` it says nothing itself:
   * `gathered` does, once for all that became due together.
   */
  after<T>(promise: Promise<T>, reply: (value: T) => void, failed: (error: unknown) => void, gathers = false): void {
    const slot: Slot = { run: null, gathers }
    this.slots.push(slot)
    promise.then(
      (value) => {
        this.resolve(slot, () => reply(value))
      },
      (error: unknown) => {
        slot.gathers = false
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

  /**
   * All that one commit answers is there within one turn, promise by promise: what gathers goes when the last one is.
   * Other replies go at once, since what the client sent behind them is looked at as soon as they are there.
   */
  private resolve(slot: Slot, run: () => void): void {
    slot.run = run
    if (!slot.gathers) return this.drain()
    if (this.gathering) return
    this.gathering = true
    queueMicrotask(() => {
      this.gathering = false
      this.drain()
    })
  }

  private drain(): void {
    if (this.dropped) return
    let gathering = false
    while (this.head < this.slots.length) {
      const next = this.slots[this.head]!
      if (next.run === null) break
      if (gathering && !next.gathers) this.gathered()
      gathering = next.gathers
      this.head++
      next.run()
    }
    if (gathering) this.gathered()
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
