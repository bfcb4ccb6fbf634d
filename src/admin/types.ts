import type { Health, Snapshot, StoreMetrics } from '../log/index.ts'
import type { Broker, BrokerMetrics } from '../core/index.ts'
import type { BoundListener, ListenerMetrics, Logger, ServerMetrics } from '../server/index.ts'
import type { Clock } from '../world/index.ts'

/** What the HTTP API is given to look at. */
export interface AdminOptions {
  broker: Broker
  /** Of the moment: it changes when the storage is opened again. */
  store(): { readonly health: Health; metrics(): StoreMetrics }
  /** Of the store of the moment. Rejects with `StoreRefused`. */
  snapshot(): Promise<Snapshot>
  server: { bound(): readonly BoundListener[]; metrics(): ServerMetrics }
  clock: Clock
  log: Logger
  version: string
  /** True from the moment that all listeners are open until the stop begins. */
  ready(): boolean
}

export interface StatusAnswer {
  version: string
  uptimeMs: number
  ready: boolean
  health: { state: Health['state']; detail?: string }
  listeners: ({ name: string; address: string } & Partial<ListenerMetrics>)[]
  core: BrokerMetrics
  storage: StoreMetrics
}

export interface TopicAnswer {
  name: string
  /** The address it is bound at, if it is. */
  bound: string | null
  madeBy: string
  partitions: { partition: number; start: number; end: number; bytes: number }[]
  records: number
  bytes: number
  retentionMs: number | null
}

export interface QueueAnswer {
  name: string
  madeBy: string
  ready: number
  readyBytes: number
  leased: number
  delayed: number
  consumers: number
  lostToRetention: number
  deadLetter: string | null
}

export interface SubscriptionAnswer {
  log: string
  /** '' is the log's queue. */
  name: string
  mode: 'positional' | 'leased'
  consumers: number
  /** Records that this subscription has yet to deliver. */
  lag: number
}

export interface MessageAnswer {
  /** Where it was published; null when it was appended to a log by name. */
  address: string | null
  /** ms since 1970. */
  time: number
  key: string | null
  value: string
  /** `base64` when the body is not UTF-8 text. */
  encoding: 'utf8' | 'base64'
  /** Of the whole value, where only its beginning is shown. */
  bytes?: number
  headers: { name: string; value: string }[]
  contentType?: string
  correlationId?: string
  replyTo?: string
  messageId?: string
  retained?: true
  /** Of a stored message. */
  partition?: number
  offset?: number
  /** Why it was dead-lettered, newest first. */
  history?: { log: string; reason: string; count: number; time: number }[]
}

export interface PublishRequest {
  /** One of the two: an address to publish at, or a log to append to. */
  address?: string
  log?: string
  key?: string
  value?: string
  encoding?: 'utf8' | 'base64'
  headers?: Record<string, string>
  contentType?: string
}

export interface PublishAnswer {
  /** Copies stored, and live receivers. */
  logs: number
  sinks: number
  partition?: number
  offset?: number
}

export interface DeadLetterAnswer {
  queue: string
  ready: number
  /** The queues whose dead letters go here. */
  sources: string[]
}

export interface RedriveAnswer {
  moved: number
  /** Those that could not be sent back, and why: they stay. */
  left: { log: string; detail: string; count: number }[]
}
