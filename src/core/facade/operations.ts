import type { Failure, Outcome } from '../../base/index.ts'
import type { Levels } from '../names.ts'
import type { Address, Id } from './catalogue.ts'

/** One thing to do; `Broker.commit` takes many, does them in order, and answers when all are as durable as promised. */
export type Op = PublishOp | AppendOp | SettleOp | AdvanceOp | SeekOp | RemoveOp | SaveOp

/** One record batch v2, and the facts that hold for all its records; records that differ in a fact go in another op. */
export interface Records {
  batch: Buffer
  /** Made with `BatchBuilder` and envelopes. False: a Kafka producer's own bytes, headers and all. */
  foreign: boolean
  priority?: number
  /** Not delivered after this, ms since 1970; it counts from publishing, so add it to the clock. */
  expiresAt?: number
  /** Keeps its place and is counted, but leased subscriptions deliver it only from then on, ms since 1970. */
  notBefore?: number
}

/** To whatever is routed there. Creates nothing (I1). */
export interface PublishOp extends Records {
  op: 'publish'
  /** One copy for each target, however many of these addresses lead to it (I2). */
  to: readonly Address[]
  /** Becomes the address's last value (an empty one removes it). One record only. */
  retain?: boolean
  /** Nobody waits for this one: routes that say so hand it over live instead of storing it. */
  atMostOnce?: boolean
  /** A deferred publish: kept, and routed when it is due, ms since 1970. If late, `expiresAt` is as much later. */
  due?: number
}

/** To the log of that name or id, and if it is bound, to what is routed at its address. */
export interface AppendOp extends Records {
  op: 'append'
  log: Id | { namespace: Id; name: Levels }
  /** Absent: by key (murmur2 of each record's key, as Kafka's producers do) or, without keys, one after the other. */
  partition?: number
  producer?: Producer
  /** With the log's `dedupeWindowMs`: the whole batch is known by this id. */
  messageId?: string
}

/** Idempotence: a retry of one of the last five batches gets the first answer; a gap is `outOfOrder`, an old epoch `fenced`. */
export interface Producer {
  id: Id
  epoch: number
  sequence: number
}

/** Partition, first and last offset (inclusive). */
export interface OffsetRange {
  partition: number
  first: number
  last: number
}

/** Ends leases. `attempt` guards against an old delivery's answer (I11); `any` does not care. */
export interface SettleOp {
  op: 'settle'
  subscription: Id
  ranges: readonly (OffsetRange & { attempt: number | 'any' })[]
  as: Verdict
}

export type Verdict =
  | { do: 'done' }
  /** Back to its place. `count` false: this attempt was never seen by anybody. `tail`: to the end of the log instead. */
  | { do: 'release'; count?: boolean; delayMs?: number; place?: 'original' | 'tail' }
  /** Dead-lettered, with this reason in its history. */
  | { do: 'reject'; reason: string }
  | { do: 'extend'; leaseMs: number }

/** A positional subscription of this name is made when there is none: committing an offset defines it. */
export interface AdvanceOp {
  op: 'advance'
  log: Id
  subscription: string
  positions: readonly { partition: number; offset: number; note?: string }[]
}

export interface SeekOp {
  op: 'seek'
  subscription: Id
  to: 'first' | 'end' | { time: number } | { offsets: readonly { partition: number; offset: number }[] }
}

export interface RemoveOp {
  op: 'remove'
  /** All records below these offsets of a log; or all that is ready in a leased subscription (a purge). */
  what: { log: Id; before: readonly { partition: number; offset: number }[] } | { subscription: Id }
}

/** A session's small state (packet ids received, …), durable with the ops beside it. null removes. */
export interface SaveOp {
  op: 'save'
  key: string
  value: Buffer | null | ChangedBits
}

/** Bits of a value of so many bytes that change, the others stay; where none is left it is removed. */
export interface ChangedBits {
  bytes: number
  changes: readonly BitChange[]
}

/** Bit n is `1 << (n & 7)` of byte `n >> 3`. */
export interface BitChange {
  bit: number
  on: boolean
  /** Off after all if this record of an earlier op of the same commit is refused. */
  with?: { op: number; record: number }
}

export interface CommitOptions {
  session: Id
  epoch: number
  /** All or none: judged before anything happens. */
  atomic?: boolean
  guards?: readonly Guard[]
  /** Nobody waits for the answer: it rides along with the next commit, at the latest after 50 ms. */
  soft?: boolean
}

/** Refused with `conflict` unless it holds. */
export type Guard = { log: Id; partition: number; end: number } | { id: Id; revision: number }

/** In the order of the ops. */
export type OpResult = Outcome<OpOk>
export type OpOk = PublishOk | AppendOk | SettleOk | RemoveOk | { op: 'advance' | 'seek' | 'save' }

export interface PublishOk {
  op: 'publish'
  /** Copies stored, and copies handed over live. */
  logs: number
  sinks: number
  /** Indexes of the records that matched nothing at all, or all of them; absent = every record found a target. */
  unrouted?: readonly number[] | 'all'
  /** Logs that did not take some records: `runs` are pairs (first, count), rising. */
  refused?: readonly { log: Id; runs: readonly number[]; failure: Failure }[]
}

export interface AppendOk {
  op: 'append'
  partition: number
  baseOffset: number
  /** First offset of the partition. */
  start: number
  appendTime: number
  duplicate: boolean
}

export interface SettleOk {
  op: 'settle'
  done: number
  /** Ranges' offsets that another attempt holds, or none; they are left alone. */
  stale: number
}

export interface RemoveOk {
  op: 'remove'
  records: number
}
