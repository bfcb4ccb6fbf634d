import type { Address, Id, LogSpec } from '../facade/index.ts'
import type { DedupeWindow } from '../producer/dedupe.ts'
import type { Partition } from './partition.ts'
import type { Level } from './releases.ts'

/** What a log has beside its catalogue entry. */
export class LogState {
  readonly id: Id
  spec: LogSpec
  level: Level
  /** By index; with lanes the index is the priority, and null one that nobody has used. */
  readonly partitions: (Partition | null)[] = []
  /** Ids of its subscriptions. Of positional ones there may be very many: nothing that happens often walks them. */
  readonly leased = new Set<Id>()
  readonly positional = new Set<Id>()
  /** Its own address, if it is bound. */
  address: Address | null = null
  /** Message ids it remembers, if it does. */
  dedupe: DedupeWindow | null = null
  /** Some of its records may expire, or are withheld until a time: else nobody has to look. */
  expires = false
  delays = false
  /** Where the next record without a key goes. */
  turn = 0
  /** Routes that lead here, however short they live; for `lastRoute`. */
  hadRoute = false
  hadConsumer = false
  consumers = 0
  usedAt = 0

  constructor(id: Id, spec: LogSpec, level: Level) {
    this.level = level
    this.id = id
    this.spec = spec
  }

  partition(index: number): Partition | null {
    return this.partitions[index] ?? null
  }

  /** A lane is made by the first record in it; before that it is one that is empty. */
  isUnusedLane(index: number): boolean {
    const { lanes } = this.spec
    return lanes !== undefined && index >= 0 && index <= lanes && this.partition(index) === null
  }
}
