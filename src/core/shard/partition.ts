import type { Producers } from '../producer/producers.ts'
import type { Level } from './releases.ts'

/** What the shard knows of one partition of a log. `index` is what others call it; `id` is the store's name for it. */
export class Partition {
  readonly id: number
  readonly index: number
  /** The log it belongs to. */
  readonly log: number
  /** First offset kept, and the one the next record gets: staged. */
  start: number
  next: number
  /** The first offset that readers may not see yet. */
  durableEnd: number
  /** Value bytes of what is kept, roughly: for limits in bytes. */
  bytes: number
  level: Level
  /** Idempotent producers that appended here. */
  producers: Producers | null = null
  /** Bytes ever appended since the start of the process, as `sizeOf` counts them; only differences mean something. */
  appended = 0
  /** Of those, the bytes below `durableEnd`. */
  durableAppended = 0
  /** A subscription has a limit in bytes: then only the values count, else all that is stored, which costs nothing. */
  countsValues = false
  /** The commit that holds its last staged extent, and where that commit lists it. */
  stagedIn = 0
  slot = 0

  constructor(
    id: number,
    index: number,
    log: number,
    level: Level,
    bounds: { start: number; next: number; bytes: number },
  ) {
    this.id = id
    this.index = index
    this.log = log
    this.level = level
    this.start = bounds.start
    this.next = bounds.next
    this.durableEnd = bounds.next
    this.bytes = bounds.bytes
  }
}
