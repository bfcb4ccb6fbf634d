/** Blocks that one read waits for. It settles when all have come or failed: until then its memory is written to. */
export class Arriving<Block> {
  /** How many. */
  expected = 0
  /** The block that came last. Rejects with the first failure. */
  readonly all: Promise<Block>
  private resolve!: (last: Block) => void
  private reject!: (error: unknown) => void
  private failure: { error: unknown } | null = null

  constructor() {
    this.all = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  arrived(block: Block): void {
    if (--this.expected > 0) return
    if (this.failure === null) this.resolve(block)
    else this.reject(this.failure.error)
  }

  failed(error: unknown): void {
    this.failure ??= { error }
    if (--this.expected === 0) this.reject(error)
  }
}
