/**
 * A queue or topic that comes and goes. Each time it is made it is another place to the auditor: nothing of what was
 * deleted may be seen in it.
 */
export class Changing {
  readonly name: string
  /** `making`, `deleting`: asked for and not answered yet. */
  state: 'gone' | 'making' | 'there' | 'deleting' = 'gone'
  private times = 0

  constructor(name: string) {
    this.name = name
  }

  /** Of the auditor. */
  get place(): string {
    return `${this.name}#${this.times}`
  }

  /** It is asked for, for the first time since it was deleted. Returns its place. */
  begin(): string {
    this.times++
    this.state = 'making'
    return this.place
  }
}
