import type { Address, Id, RouteSpec } from '../facade/index.ts'
import type { Levels } from '../names.ts'
import type { RecordTable } from '../../log/index.ts'

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

export interface RouterOptions {
  /** Integer below `bound`, for groups that pick at random. */
  below(bound: number): number
  /** The space that is tried when all of `space` led nowhere; 0: none. Call `changed()` when an answer changes. */
  alternateOf(space: Id): Id
}

/**
 * The routing tables of all spaces. A bound log is a route without an id. Results may be shared: do not change them, and
 * use them before the next change of the table.
 */
export interface Router {
  add(id: Id, spec: RouteSpec): void
  remove(id: Id): void
  /** A log's own address. */
  bind(log: Id, address: Address): void
  unbind(log: Id): void
  /** Ids of the routes that start in, lead to, or belong to `id`. */
  of(id: Id): readonly Id[]
  changed(): void
  /** `except`: a log that has its copy already (an append to a bound log publishes at its address). */
  match(to: readonly Address[], publication: Publication, except?: Id): Match
  /** Does any route lead from here, for whatever record? False: an append may skip publishing. */
  leadsAnywhere(space: Id, levels: Levels): boolean
}
