import type { RecordTable } from '../../log/index.ts'
import type { Id } from '../facade/index.ts'

/** Some records of a batch for one target, and the routes that brought them. */
export interface Part {
  /** Pairs (first record, count), rising; null: all records. */
  runs: readonly number[] | null
  routes: readonly Id[]
}

/** One target gets at most one copy of each record (I2). Exactly one of `log` and `session` is not 0. */
export interface Target {
  log: Id
  /** Live, to this session's receiver. */
  session: Id
  /** In the order of their first records; no record is in two of them. */
  parts: readonly Part[]
}

export interface Match {
  targets: readonly Target[]
  /** Indexes of the records that found no target; null: every one found one. */
  unrouted: readonly number[] | 'all' | null
}

/** What is being published. `table` is asked for only where a predicate wants to see the records. */
export interface Publication {
  publisher: Id
  atMostOnce: boolean
  /** Records in the batch. */
  count: number
  foreign: boolean
  table(): RecordTable
}
