/** Stored bytes are not what was written. Says where, so that `check` and an operator's log can. */
export class Damaged extends Error {
  override name = 'Damaged'
  /** Relative to the data folder. */
  readonly file: string
  readonly position: number
  /**
   * To whoever read records: those that cannot be had, from `first` to before `below`, and none after them. Null where
   * nobody asked for records.
   */
  readonly cost: { readonly first: number; readonly below: number } | null
  private readonly detail: string

  constructor(file: string, position: number, detail: string, cost: Damaged['cost'] = null) {
    super(`${file} at ${position}: ${detail}`)
    this.file = file
    this.position = position
    this.detail = detail
    this.cost = cost
  }

  /** The same, as it meets a reader. */
  costing(first: number, below: number): Damaged {
    return new Damaged(this.file, this.position, this.detail, { first, below: Math.max(below, first + 1) })
  }
}

/** Stored bytes were not what was written, and nothing is lost: they are there twice. */
export class Mended extends Error {
  override name = 'Mended'
}

/** An error that ends a read of records; if it is damage, with those that it costs. */
export const costOf = (error: unknown, first: number, below: number): unknown =>
  error instanceof Damaged && error.cost === null ? error.costing(first, below) : error
