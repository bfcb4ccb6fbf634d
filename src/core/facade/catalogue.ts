import type { Levels } from '../names.ts'

/** Ids are numbers below 2^53, given once and never again, also over restarts (I9). 0 is no id. */
export type Id = number

/** `levels` in the routing table `space`. */
export interface Address {
  space: Id
  levels: Levels
}

/**
 * What exists. `define` makes it, `drop` ends it; use changes none of it (I14). `attributes` and `tags` are the
 * maker's: opaque here, kept, given back; protocols compare declarations by them.
 */
export type Spec = NamespaceSpec | SpaceSpec | LogSpec | SubscriptionSpec | RouteSpec
export type Kind = Spec['kind']

interface Common {
  attributes?: Json
  /** Who made it, for listings and for scoped deletion: `{ by: 'kafka' }`. */
  tags?: Readonly<Record<string, string>>
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface NamespaceSpec extends Common {
  kind: 'namespace'
  name: string
}

/** A routing table. Each namespace has the shared one, named '' and made with it; an AMQP exchange is another. */
export interface SpaceSpec extends Common {
  kind: 'space'
  namespace: Id
  name: string
  /** Tried, by name, when the whole closure of routes led nowhere, and round in no cycle. */
  alternate?: string
  lifetime?: Lifetime
}

/** Ordered, replayable records in partitions. */
export interface LogSpec extends Common {
  kind: 'log'
  namespace: Id
  name: Levels
  /** At least 1. With `lanes` it is ignored. */
  partitions: number
  /** Priorities 0..lanes, each a partition of its own, made on first use; higher ones are consumed first. */
  lanes?: number
  /** Has an address of its own in the shared space: publishing there appends here, appending here publishes there. */
  bound?: Levels
  durability?: 'fsync' | 'os'
  keep?: Keep
  /** Message ids are remembered this long; a second append of one gets the first's answer. */
  dedupeWindowMs?: number
  recordBytesMax?: number
  lifetime?: Lifetime
}

/** When records may go. Nothing set: they stay for ever. */
export interface Keep {
  ageMs?: number
  /** Per partition. */
  bytes?: number
  records?: number
  /** Gone when every retaining subscription has settled it (and at least one exists). A queue. */
  consumed?: boolean
  /** Only the last record of each key needs to stay. */
  perKey?: boolean
}

/** Named delivery state on one log; `positional`: an offset a consumer commits; `leased`: each message to one consumer. */
export interface SubscriptionSpec extends Common {
  kind: 'subscription'
  /** By id, or by name where the log is defined by the same call. */
  log: Id | { namespace: Id; name: Levels }
  /** '' is the log's default leased subscription, which makes a queue of it: AMQP, SQS, STOMP compete there. */
  name: string
  mode: 'positional' | 'leased'
  start?: 'first' | 'end'
  policy?: DeliveryPolicy
  lifetime?: Lifetime
}

/** Of a leased subscription. It speaks of what is ready here, so a queue view never truncates the log (model 1.1). */
export interface DeliveryPolicy {
  /** `one`: only the first consumer (by priority, then age) is active; the next takes over. Default `all`. */
  active?: 'all' | 'one'
  /** `key`: records of one key are never in flight at two consumers, and stay in order. Default `none`. */
  order?: 'none' | 'key'
  /** Delivery attempts before `exhausted` applies; absent = no limit. */
  attemptsMax?: number
  exhausted?: 'deadLetter' | 'discard' | 'park'
  /** Wait before attempt 2, 3, …; the last one repeats. */
  backOffMs?: readonly number[]
  /** Where rejected, expired, exhausted and overflowing records go; absent = they are discarded. */
  deadLetter?: DeadLetter
  ttlMs?: number
  readyMax?: number
  readyBytesMax?: number
  /** At `readyMax`: drop (dead-letter) the oldest, or refuse the publish. Default `dropOldest`. */
  overflow?: 'dropOldest' | 'refuse' | 'refuseDeadLetter'
  /** The log's `keep.consumed` waits for this subscription. Default true. */
  retaining?: boolean
}

/**
 * Looked up by name when needed: it may not exist (yet), then the record is discarded. `levels` and `name` absent: those
 * of the record's address, or the name of its log.
 */
export type DeadLetter = { to: 'space'; space: string; levels?: Levels } | { to: 'log'; name?: Levels }

/** Not durable in itself: a route lives as long as its owner session, or for ever. */
export interface RouteSpec extends Common {
  kind: 'route'
  space: Id
  pattern: Pattern
  predicate?: Predicate
  target: RouteTarget
  /** Of all routes with the same group name and space that match, one gets it. */
  group?: { name: string; pick: 'roundRobin' | 'random' }
  /** The session whose routes end with it. */
  owner?: Id
  /** With an owner: what that session itself publishes does not match. */
  noLocal?: boolean
  /**
   * An at-most-once publish (`PublishOp.atMostOnce`) that matches a route to a log: stored like any other, or only
   * handed to the owner session if it is there. Default `store`.
   */
  atMostOnce?: 'store' | 'live'
}

/** `session`: live, to the owner's receiver if it is connected, never stored. */
export type RouteTarget = { log: Id } | { space: Id } | { session: Id }

/** `one`: exactly one level. `rest`: any number of levels, none included, anywhere. `rest1`: at least one. */
export type PatternLevel = string | { any: 'one' | 'rest' | 'rest1' }

export interface Pattern {
  levels: readonly PatternLevel[]
  /** A leading wildcard does not match a first level that begins with `$` (MQTT 4.7.2). */
  dollarHidden?: boolean
}

/** Over the typed headers of a record; version 1. Missing = null; null compares with nothing. */
export type Predicate =
  | { op: 'all' | 'any'; of: readonly Predicate[] }
  | { op: 'not'; of: Predicate }
  | { op: 'exists'; header: string }
  /** Equal by type family: numbers by value, text and bytes by bytes. */
  | { op: 'equal'; header: string; value: Json }

/** Ends by itself: with a session, after a time without use, or when the last consumer or route has gone (after one was). */
export interface Lifetime {
  owner?: Id
  unusedMs?: number
  lastConsumer?: boolean
  lastRoute?: boolean
}

export interface Defined {
  id: Id
  revision: number
  created: boolean
}

/** An object of the catalogue as it is now (staged: hold what you tell a client until `settled`). */
export interface Entry<S extends Spec = Spec> {
  id: Id
  revision: number
  spec: S
}

/** A log's partition ids are private; others speak of indexes 0..n-1. */
export interface PartitionBounds {
  partition: number
  start: number
  /** The offset the next record gets; of what is durable. */
  end: number
  bytes: number
}

export interface SubscriptionStats {
  ready: number
  readyBytes: number
  leased: number
  delayed: number
  consumers: number
  /** Records that the log's retention took before they were settled here. */
  lostToRetention: number
}
