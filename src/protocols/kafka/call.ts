import type { Gate, SlabLease, SlabPool } from '../../base/index.ts'
import type { Broker, Id } from '../../core/index.ts'
import type { Clock, Random, Timers } from '../../world/index.ts'
import type { ProtocolMetrics } from '../../server/index.ts'
import type { FetchAhead } from './fetch-ahead.ts'
import type { GroupCoordinator } from './groups/coordinator.ts'
import type { Topics } from './mapping.ts'
import type { ForeignBatches } from './operations/foreign.ts'
import type { KafkaSettings } from './settings.ts'
import type { Api, ReadOf, Table, WriteOf } from './wire/schema.ts'

/** What all connections of one broker share. */
export interface Shared {
  broker: Broker
  namespace: Id
  topics: Topics
  groups: GroupCoordinator
  foreign: ForeignBatches
  answers: SlabPool
  /** Searches by time take turns. */
  searches: Gate
  settings: KafkaSettings
  /** Received by all connections, and not taken up yet. */
  inputBytes: number
  clock: Clock
  timers: Timers
  random: Random
}

/** One request's surroundings: who asks, in which version, through which connection. */
export interface Call {
  shared: Shared
  version: number
  clientId: string
  /** The client's address, for group listings. */
  host: string
  /** The core's session of this connection. */
  session: Id
  epoch: number
  advertised: { host: string; port: number }
  metrics: ProtocolMetrics
  /** How long the client should send nothing more, in the answer to what it produced (KIP-219). */
  throttleMs(): number
  /** The request's memory is in use until then, though it may be answered before. */
  usedUntil(work: Promise<unknown>): void
  /** How much an answer may hold now; at least one batch goes out in any case. */
  room(): number
  /** Memory for the answer, to be used again when it was sent. */
  readonly memory: SlabLease
  /** What is to be done when the answer was sent. */
  whenSent(run: () => void): void
  /** What was read for this connection's next fetch. */
  readonly ahead: FetchAhead
}

/** What becomes of a request: a response; `none`, as acks=0 wants it; `close`, where only that can say that it failed. */
export type Answer<R extends Table> = WriteOf<R> | 'none' | 'close'

/**
 * One API: decoded request in, answer out. Whatever must keep its order with the requests before and after it happens
 * before the first `await`.
 */
export interface Operation<Q extends Table = Table, R extends Table = Table> {
  api: Api<Q, R>
  handle(request: ReadOf<Q>, call: Call): WriteOf<R> | Promise<Answer<R>>
}

/** Ties a handler to the types of its tables. */
export function operation<Q extends Table, R extends Table>(
  api: Api<Q, R>,
  handle: (request: ReadOf<Q>, call: Call) => WriteOf<R> | Promise<Answer<R>>,
): Operation<Q, R> {
  return { api, handle }
}
