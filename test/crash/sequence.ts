export interface SequenceTerms {
  name: string
  /** May a number come again? At-least-once. */
  again: boolean
}

/** Checks one ordered stream of numbers 0, 1, 2, ... as it comes: none is missing, none comes before its time. */
export class Sequence {
  /** The number after the highest that came. */
  next = 0
  duplicates = 0
  private readonly terms: SequenceTerms

  constructor(terms: SequenceTerms) {
    this.terms = terms
  }

  /** Throws what is wrong with it. */
  see(n: number): void {
    const { name, again } = this.terms
    if (!Number.isSafeInteger(n) || n < 0) throw new Error(`${name}: ${n} was never sent`)
    if (n > this.next) throw new Error(`${name}: ${n} came, ${this.next} was next: lost or out of order`)
    if (n === this.next) this.next++
    else if (again) this.duplicates++
    else throw new Error(`${name}: ${n} came again, ${this.next} was next`)
  }
}
