import type { ReadMemory } from '../../log/index.ts'
import type { Outcome } from '../../base/index.ts'
import type { Levels } from '../names.ts'
import type {
  Defined,
  Entry,
  Id,
  Kind,
  LogSpec,
  NamespaceSpec,
  PartitionBounds,
  Pattern,
  RouteSpec,
  SpaceSpec,
  Spec,
  SubscriptionSpec,
  SubscriptionStats,
} from './catalogue.ts'
import type { AttachOptions, CreditGrant, DeliveredBatch, Delivery, Receiver, TakeOptions } from './delivery.ts'
import type { CommitOptions, Op, OpResult, PublishOp } from './operations.ts'

/**
 * What protocols call: data in, data out. **Every verb takes effect when it is called**, in the order of the calls, and
 * answers when everything it depends on is as durable as promised: answers come in the order of the calls too. So a
 * session can act on each frame at once and queue the replies. The look-ups (`find…`, `get`, `stats`) show staged
 * state: what they reveal may go to a client only after `settled()` (storage F9).
 */
export interface Broker {
  // -- catalogue
  /**
   * `create`: `exists` if there is one. `ensure`: takes what is there. `replace`: changes a definition in place.
   * Later specs may name logs that earlier ones of the call define. An identical route is one route.
   */
  define(specs: readonly Spec[], mode: 'create' | 'ensure' | 'replace'): Promise<Outcome<Defined>[]>
  /** With everything in it. `records`: how many ready ones went with it. */
  drop(items: readonly { id: Id; ifUnused?: boolean; ifEmpty?: boolean }[]): Promise<Outcome<{ records: number }>[]>
  get(id: Id): Entry | undefined
  findNamespace(name: string): Entry<NamespaceSpec> | undefined
  findSpace(namespace: Id, name: string): Entry<SpaceSpec> | undefined
  findLog(namespace: Id, name: Levels): Entry<LogSpec> | undefined
  findSubscription(log: Id, name: string, mode: 'positional' | 'leased'): Entry<SubscriptionSpec> | undefined
  /** Routes that start in, lead to, or belong to `id`. */
  routes(id: Id): readonly Entry<RouteSpec>[]
  list<K extends Kind>(kind: K, namespace?: Id): readonly Entry<Extract<Spec, { kind: K }>>[]
  stats(subscription: Id): SubscriptionStats
  /**
   * Resolves when all that is staged now is durable, or all definitions that are; or with a failure, and then nothing of
   * it may be told.
   */
  settled(what?: 'definitions'): Promise<Outcome<object>>
  /** Resolves with true when verbs are not `unavailable` any more: at once, unless the storage has failed and is not back. */
  available(): Promise<boolean>

  // -- sessions
  /** Also how an idempotent producer gets its id: the session's. `resumed`: durable state of this name was there. */
  open(options: OpenOptions, receiver: Receiver): Promise<Outcome<Opened>>
  /** The connection has gone. Keeps what `keepMs` (now, or as opened) says, else ends the epoch (I15). */
  close(session: Id, epoch: number, options: { keepMs?: number; wills: 'fire' | 'drop' }): Promise<Outcome<object>>
  sessions(): readonly SessionInfo[]

  // -- writing
  commit(ops: readonly Op[], options: CommitOptions): Promise<OpResult[]>

  // -- reading by position
  /**
   * Batches from given offsets, only durable ones. Waits up to `waitMs` until there are `bytesMin` in all. A part that
   * fails does not fail the others. At least one whole batch comes back when there is one, however large, unless
   * `bytesMax` is 0. Nobody waits any more when the session's connection has gone.
   */
  read(parts: readonly ReadPart[], options: ReadOptions): Promise<Outcome<ReadResult>[]>
  bounds(log: Id): readonly PartitionBounds[]
  /** A lane that nobody has used is empty; undefined: there is no such partition. */
  boundsOf(log: Id, partition: number): PartitionBounds | undefined
  /**
   * The first record whose producer time is at or after `time`, or the one with the highest. Goes through all of the
   * partition, as long as the session's connection is there.
   */
  locate(log: Id, partition: number, time: number | 'max', session: Id): Promise<Outcome<Located>>
  /** Committed positions of a positional subscription. */
  positions(log: Id, subscription: string): readonly { partition: number; offset: number; note: string }[]
  /**
   * Last values whose address matches, in no order, some at a time. They are those of now: what changes while they are
   * asked for comes by the routes, and is not among them.
   */
  retained(namespace: Id, pattern: Pattern): AsyncIterable<readonly DeliveredBatch[]>

  // -- being delivered to
  attach(options: AttachOptions): Promise<Outcome<{ consumer: Id; active: boolean }>>
  credit(grants: readonly CreditGrant[]): void
  /** Deliveries under way still come. What this consumer holds stays leased (the session settles it), or is released. */
  detach(consumer: Id, leased: 'keep' | 'release'): Promise<Outcome<object>>
  /** Its connection does not take what it is given (false), or does again: until then nothing is delivered to it. */
  flow(session: Id, epoch: number, open: boolean): void
  /** Leases what is ready now, at once; nothing ready = no deliveries. */
  take(options: TakeOptions): Promise<Outcome<Delivery[]>>
  /** Looks without leasing: up to `limit` records from the front. */
  peek(subscription: Id, limit: number): Promise<Delivery[]>
  /** Free text search of what happened to whom is the admin's; this is what it counts. */
  metrics(): BrokerMetrics
}

export interface OpenOptions {
  namespace: Id
  user: string
  /** Absent: a session of this connection only. */
  name?: string
  /** If a client of this name is connected: end its epoch, or refuse with `inUse`. */
  ifActive?: 'takeOver' | 'refuse'
  /** How long its state outlives the connection; 0 = not at all, Infinity = until it is dropped. */
  keepMs?: number
  /** Start from nothing even if there is state of this name. */
  clean?: boolean
  wills?: readonly { publish: PublishOp; delayMs: number }[]
  /** For listings. */
  client?: { protocol: string; address: string }
}

export interface Opened {
  session: Id
  epoch: number
  resumed: boolean
  saved: readonly { key: string; value: Buffer }[]
}

export interface SessionInfo {
  id: Id
  name: string | null
  namespace: Id
  user: string
  connected: boolean
  client: { protocol: string; address: string } | null
}

/** Both are -1 where there is no such record. */
export interface Located {
  offset: number
  timestamp: number
}

export interface ReadOptions {
  session: Id
  bytesMin: number
  bytesMax: number
  waitMs: number
  /** Where to have what is not in memory already, so that the caller can use that again. */
  memory?: ReadMemory
}

export interface ReadPart {
  log: Id
  partition: number
  offset: number
  bytesMax: number
}

export interface ReadResult {
  batches: readonly DeliveredBatch[]
  /** First offset kept, and the durable end. */
  start: number
  end: number
}

export interface BrokerMetrics {
  recordsIn: number
  bytesIn: number
  recordsOut: number
  /** Records that readers have met whose stored bytes are damaged. */
  unreadable: number
  logs: number
  subscriptions: number
  sessions: number
  stagedBytes: number
}
