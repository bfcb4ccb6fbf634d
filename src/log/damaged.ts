/** Stored bytes are not what was written. Says where, so that `check` and an operator's log can. */
export class Damaged extends Error {
  override name = 'Damaged'
  /** Relative to the data folder. */
  readonly file: string
  readonly position: number

  constructor(file: string, position: number, detail: string) {
    super(`${file} at ${position}: ${detail}`)
    this.file = file
    this.position = position
  }
}
