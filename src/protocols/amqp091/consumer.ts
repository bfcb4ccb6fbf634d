import type { CreditGrant, Id } from '../../core/index.ts'
import { limits } from './limits.ts'

/** What several consumers of a channel may have unsettled together: basic.qos with global set. */
export class Pool {
  readonly number: number
  /** 0 = no limit. */
  prefetch: number
  unacked = 0
  granted = 0

  constructor(number: number, prefetch: number) {
    this.number = number
    this.prefetch = prefetch
  }

  /** Credit that is due, in messages; below 0: what was granted under a higher limit is to be taken back. */
  due(): number {
    if (this.prefetch > 0) return Math.max(0, this.prefetch - this.unacked) - this.granted
    // A client may ask for at most 65,535 and take that back: as good as no limit, and numbers that stay exact.
    return this.granted > endless / 2 ? 0 : endless - this.granted
  }
}

const endless = 2 ** 40

export interface ConsumerFacts {
  tag: string
  channel: number
  queue: string
  subscription: Id
  noAck: boolean
  exclusive: boolean
  priority: number
  /** basic.qos as it was when the consumer was started; 0 = no limit. */
  prefetch: number
  /** Deliveries say how often they were tried before: a quorum queue's habit. */
  countsDeliveries: boolean
}

/** One basic.consume. */
export class Consumer {
  readonly facts: ConsumerFacts
  /** The tag as it goes over the wire. */
  readonly tagBytes: Buffer
  /** The core's; 0 until it is attached. */
  id: Id = 0
  /** The channel's, if it has one. */
  pool: Pool | null = null
  /** The core knows of its pool. */
  pooled = false
  /** Resolves when attaching has succeeded (with the core's id) or failed (0). */
  attached: Promise<Id> = Promise.resolve(0)
  cancelled = false
  unacked = 0
  private granted = 0
  private grantedBytes = 0
  /** In the session's list of those whose credit may be due. */
  dirty = false

  constructor(facts: ConsumerFacts) {
    this.facts = facts
    this.tagBytes = sizedName(facts.tag)
  }

  delivered(messages: number, bytes: number): void {
    this.granted -= messages
    this.grantedBytes -= bytes
    if (this.pool !== null) this.pool.granted -= messages
    if (this.facts.noAck) return
    this.unacked += messages
    if (this.pool !== null) this.pool.unacked += messages
  }

  settled(messages: number): void {
    this.unacked -= messages
    if (this.pool !== null) this.pool.unacked -= messages
  }

  /** The channel has a limit for all of its consumers now. */
  join(pool: Pool): void {
    if (this.pool === pool) return
    this.pool = pool
    pool.unacked += this.unacked
  }

  /**
   * The credit that is due: up to the prefetch, and never more ahead of the client than a window, which is topped up
   * when half of it is used.
   */
  due(windowBytes: number = limits.windowBytes): CreditGrant | null {
    if (this.id === 0 || this.cancelled) return null
    const { noAck, prefetch } = this.facts
    const room = noAck || prefetch === 0 ? Infinity : prefetch - this.unacked
    const messages = Math.min(room, limits.windowMessages) - this.granted
    const bytes = windowBytes - this.grantedBytes
    const tight = room <= limits.windowMessages
    const halfUsed = this.granted <= limits.windowMessages / 2
    const joins = this.pool !== null && !this.pooled
    if ((messages <= 0 || !(tight || halfUsed)) && bytes < windowBytes / 2 && !joins) return null
    const grant = { consumer: this.id, messages: Math.max(0, messages), bytes: Math.max(0, bytes) }
    this.granted += grant.messages
    this.grantedBytes += grant.bytes
    if (!joins) return grant
    this.pooled = true
    return { ...grant, pool: this.pool!.number }
  }
}

/** A short string with its length in front. */
export function sizedName(name: string): Buffer {
  const bytes = Buffer.allocUnsafe(1 + Math.min(name.length, 255))
  bytes[0] = bytes.length - 1
  bytes.write(name, 1, 'latin1')
  return bytes
}
