import { failed as isFailure, type Outcome } from '../../base/index.ts'
import type { CreditGrant, Delivery, Id } from '../../core/index.ts'
import type { Channel } from './channel.ts'
import { Pool, type Consumer } from './consumer.ts'
import { deliver, deliverReply } from './deliverer.ts'
import { limits } from './limits.ts'
import type { Link } from './link.ts'

interface Attached {
  channel: Channel
  consumer: Consumer
}

type AttachOutcome = Outcome<{ consumer: Id; active: boolean }>

/** The consumers of one connection: who gets which delivery, and what credit they are due. */
export class Consumers {
  private readonly link: Link
  private readonly byId = new Map<Id, Attached>()
  /** Channels with a direct reply-to consumer, by its route. */
  readonly replies = new Map<Id, Channel>()
  private dirty: Consumer[] = []
  /** Queues deleted before we heard that their consumer was attached. */
  private readonly goneEarly = new Set<Id>()
  private pools = 0

  constructor(link: Link) {
    this.link = link
  }

  /** Attaches it to its queue; deliveries come only when it is given credit, by `started`. */
  attach(channel: Channel, consumer: Consumer): Promise<AttachOutcome> {
    const { broker, session } = this.link
    const { subscription, noAck, priority, exclusive } = consumer.facts
    consumer.pool = noAck ? null : channel.pool
    const attaching = broker.attach({
      session,
      subscription,
      priority,
      exclusive,
      leaseMs: Infinity,
      settle: noAck ? 'onDelivery' : 'byConsumer',
      ...(consumer.pool === null ? undefined : { pool: consumer.pool.number }),
    })
    consumer.attached = attaching.then((outcome) => (isFailure(outcome) ? 0 : outcome.ok.consumer))
    return attaching
  }

  /** The client knows of it (or was told just now): let it run. */
  started(channel: Channel, consumer: Consumer, id: Id): void {
    if (this.goneEarly.delete(id)) {
      this.tellGone(channel, consumer)
      return
    }
    if (!channel.open) {
      void this.link.broker.detach(id, 'release')
      return
    }
    consumer.id = id
    consumer.forgetCredit()
    this.byId.set(id, { channel, consumer })
    this.mark(consumer)
    this.grant()
  }

  /** Resolves when nothing more will come for it. What it holds stays with the client. */
  async cancel(consumer: Consumer): Promise<void> {
    consumer.cancelled = true
    const id = await consumer.attached
    if (id === 0) return
    await this.link.broker.detach(id, 'keep')
    this.byId.delete(id)
  }

  /** Its queue is gone: the client is told, if it wants to know. */
  gone(id: Id): void {
    const attached = this.byId.get(id)
    if (attached === undefined) {
      this.goneEarly.add(id)
      return
    }
    this.byId.delete(id)
    this.tellGone(attached.channel, attached.consumer)
  }

  private tellGone(channel: Channel, consumer: Consumer): void {
    consumer.cancelled = true
    const consumerTag = consumer.facts.tag
    channel.consumers.delete(consumerTag)
    if (!channel.open || !this.link.capabilities.consumerCancelNotify) return
    this.link.method(channel.number, 'basic.cancel', { consumerTag, nowait: true })
  }

  /** The channel is over: what its consumers hold goes back to the queues, in order. */
  release(channel: Channel): void {
    for (const consumer of channel.consumers.values()) {
      consumer.cancelled = true
      if (consumer.id === 0) continue
      this.byId.delete(consumer.id)
      void this.link.broker.detach(consumer.id, 'release')
    }
    channel.consumers.clear()
    const reply = channel.replyConsumer
    if (reply === null) return
    channel.replyConsumer = null
    this.replies.delete(reply.route)
    void this.link.broker.drop([{ id: reply.route }])
  }

  /** basic.qos with global set; also for the consumers that are there: they are attached anew. 0 = no limit. */
  limit(channel: Channel, prefetch: number): void {
    const consumers = [...channel.consumers.values()].filter((consumer) => !consumer.facts.noAck)
    const unacked = consumers.reduce((sum, consumer) => sum + consumer.unacked, 0)
    channel.pool = prefetch === 0 ? null : new Pool(++this.pools, prefetch, unacked)
    for (const consumer of consumers) void this.reattach(channel, consumer)
  }

  private async reattach(channel: Channel, consumer: Consumer): Promise<void> {
    const before = await consumer.attached
    if (before === 0 || consumer.cancelled) return
    consumer.id = 0
    const detached = this.link.broker.detach(before, 'keep')
    const attaching = this.attach(channel, consumer)
    await detached
    this.byId.delete(before)
    const outcome = await attaching
    if (!isFailure(outcome)) this.started(channel, consumer, outcome.ok.consumer)
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.consumer === 0) {
        this.reply(delivery)
        continue
      }
      const attached = this.byId.get(delivery.consumer)
      if (attached === undefined || !attached.channel.open) continue
      deliver(this.link, attached.channel, attached.consumer, delivery)
      this.mark(attached.consumer)
    }
    if (this.link.out.pending > 0) this.link.send()
    this.grant()
  }

  private reply(delivery: Delivery): void {
    for (const route of delivery.routes) {
      const channel = this.replies.get(route)
      if (channel?.replyConsumer) deliverReply(this.link, channel, channel.replyConsumer.tagBytes, delivery)
    }
  }

  /** Its credit may be due. */
  mark(consumer: Consumer): void {
    if (consumer.dirty) return
    consumer.dirty = true
    this.dirty.push(consumer)
  }

  /** Gives all credit that is due, while the client takes what it is sent. */
  grant(): void {
    if (this.dirty.length === 0 || !this.link.writable) return
    const { dirty } = this
    this.dirty = []
    const grants: CreditGrant[] = []
    const pools = new Set<Pool>()
    const share = Math.max(limits.windowBytesMin, limits.connectionWindowBytes / Math.max(1, this.byId.size))
    const windowBytes = Math.min(limits.windowBytes, Math.floor(share))
    for (const consumer of dirty) {
      consumer.dirty = false
      const due = consumer.due(windowBytes)
      if (due !== null) grants.push(due)
      if (consumer.pool !== null) pools.add(consumer.pool)
    }
    for (const pool of pools) {
      const messages = pool.due()
      if (messages === 0) continue
      pool.granted += messages
      grants.push({ session: this.link.session, pool: pool.number, messages })
    }
    if (grants.length > 0) this.link.broker.credit(grants)
  }
}
