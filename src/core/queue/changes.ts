import type { Reader, Writer } from '../../base/index.ts'
import { MalformedError } from '../../base/index.ts'
import { readRuns, Runs } from './runs.ts'

/** Of an entry and of a checkpointed part. Stored: a new meaning is a new version. */
const version = 1

/** What an entry says, run by run. */
export interface EntryVisitor {
  settled(first: number, last: number): void
  delivered(first: number, last: number, attempt: number): void
  parked(first: number, last: number): void
}

/**
 * What has happened and is not in the journal yet. `generation` rises when a seek takes back what was settled, to
 * `start`: what was written in an earlier one means nothing any more.
 *
 *   entry: version 1, generation, start, settled runs, delivered runs (+ attempt), parked runs
 */
export class Changes {
  readonly settled = new Runs()
  readonly delivered = new Runs()
  readonly parked = new Runs()
  generation = 1
  private start: number
  /** The journal does not know of this generation. */
  private begun = true
  /** Nothing of this queue was read or written. */
  private pristine = true

  constructor(start: number) {
    this.start = start
  }

  get any(): boolean {
    return this.begun || this.settled.length + this.delivered.length + this.parked.length > 0
  }

  restart(generation: number, start: number): void {
    this.generation = generation
    this.start = start
    this.clear()
    this.begun = true
  }

  write(w: Writer): void {
    this.writeGeneration(w)
    this.settled.write(w, false)
    this.delivered.write(w, true)
    this.parked.write(w, false)
    this.clear()
    this.begun = false
  }

  private clear(): void {
    this.settled.clear()
    this.delivered.clear()
    this.parked.clear()
  }

  writeGeneration(w: Writer): void {
    this.pristine = false
    w.u8(version)
    w.uvarint(this.generation)
    w.uvarint(this.start)
  }

  /** Does what follows count? First, `restart` is called if it begins a generation that is not known. */
  readGeneration(r: Reader, restart: (generation: number, start: number) => void): boolean {
    const found = r.u8()
    if (found !== version) throw new MalformedError(`state of a queue in version ${found}, known is ${version}`)
    const generation = r.uvarint()
    const start = r.uvarint()
    if (this.pristine || generation > this.generation) restart(generation, start)
    this.pristine = this.begun = false
    return generation === this.generation
  }
}

/** The runs of an entry, after its generation; without a visitor they are skipped. */
export function readChanges(r: Reader, visitor: EntryVisitor | null): void {
  readRuns(r, false, (first, last) => visitor?.settled(first, last))
  readRuns(r, true, (first, last, attempt) => visitor?.delivered(first, last, attempt))
  readRuns(r, false, (first, last) => visitor?.parked(first, last))
}
