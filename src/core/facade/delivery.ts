import type { Levels } from '../names.ts'
import type { RecordTable } from '../../log/index.ts'
import type { Id } from './catalogue.ts'

/**
 * A run of records of one stored batch for one receiver. The facts hold for the whole run; the records are found
 * through `batch.table` by index, no object each. Do not keep it beyond the call without need: it holds the bytes.
 */
export interface Delivery {
  /** The consumer, or 0: live, matched by `routes`, nothing to settle. */
  consumer: Id
  subscription: Id
  batch: DeliveredBatch
  /** Records [first, first + count) of the batch's table. */
  first: number
  count: number
  /** 1 = never delivered before; more = redelivered. The same for the run. */
  attempt: number
  /** Live: the receiving session's routes that matched. From a log: the routes that brought the copy into it. */
  routes: readonly Id[]
}

export interface DeliveredBatch {
  partition: number
  /** Offset of record i is `baseOffset + table.offsetDelta(i)`. -1: live. */
  baseOffset: number
  /** ms since 1970, the broker's. */
  appendTime: number
  /** The session that published. */
  publisher: Id
  /** Where it was published; null: appended to an unbound log by name. */
  address: { space: Id; levels: Levels } | null
  foreign: boolean
  priority: number
  expiresAt: number | null
  /** Delivered as an address's last value, not because it was just published. */
  retained: boolean
  /** Where it was dead-lettered from, newest first. */
  history: readonly HistoryEntry[]
  readonly table: RecordTable
  /** The bytes as stored; see `StoredExtent.batch`. */
  readonly bytes: Buffer
  /** Offsets that the batch covers. */
  count: number
  /** What a protocol made of it for its wire, kept here so that a fan-out makes it once: the last one's; null: nothing. */
  rendered: object | null
}

export interface HistoryEntry {
  /** Name of the log it was in. */
  log: Levels
  reason: string
  count: number
  /** First time, ms since 1970. */
  time: number
  /** Where it had been published. */
  address: { space: string; levels: Levels } | null
}

/** Why publishing is answered late or, when `refusing`, not taken at all. */
export interface Blocked {
  reason: string
  refusing: boolean
}

export type Notice =
  /** The session's epoch is over: another client took it, or an administrator ended it. Close the connection. */
  | { notice: 'fenced' }
  /** The storage has failed, and the session went with it. A named one may be opened again after `available()`. */
  | { notice: 'unavailable' }
  /** The subscription of this consumer is gone, and the consumer with it. */
  | { notice: 'gone'; consumer: Id }
  /** Of a subscription with `active: one`. */
  | { notice: 'active'; consumer: Id; active: boolean }
  /** Until `unblocked`, publishing is answered late; `refusing`: at once, with `full`. Again when that has changed. */
  | ({ notice: 'blocked' } & Blocked)
  | { notice: 'unblocked' }

/** A session's end of the core. Both are called at the end of a turn, never inside a verb. */
export interface Receiver {
  deliver(deliveries: readonly Delivery[]): void
  notice(notice: Notice): void
}

export interface AttachOptions {
  session: Id
  subscription: Id
  /** Higher first; consumers of one priority take turns. */
  priority?: number
  exclusive?: boolean
  /** Infinity: until settled, released, or the session ends. */
  leaseMs: number
  /** `onDelivery`: nobody will settle, it is done when handed over. */
  settle: 'byConsumer' | 'onDelivery'
  /** Consumers of a session with the same pool number also need, and use up, the pool's credit. */
  pool?: number
}

/**
 * Adds to what may be delivered before more is granted. Infinity = no limit. A consumer's `pool`: from now on it is in
 * that one. A pool may be given less than 0, which takes back.
 */
export type CreditGrant =
  { consumer: Id; messages: number; bytes?: number; pool?: number } | { session: Id; pool: number; messages: number }

export interface TakeOptions {
  session: Id
  subscription: Id
  messages: number
  bytes?: number
  leaseMs: number
  settle: 'byConsumer' | 'onDelivery'
}
