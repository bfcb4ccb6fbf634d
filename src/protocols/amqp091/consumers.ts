import { failed as isFailure, type Outcome } from '../../base/index.ts'
import type { CreditGrant, Delivery, Id } from '../../core/index.ts'
import type { Channel, ReplyConsumer } from './channel.ts'
import { Pool, type Consumer } from './consumer.ts'
import { deliver, deliverReply } from './deliverer.ts'
import { limits } from './limits.ts'
import type { Link } from './link.ts'
import type { SettledRange } from './unsettled.ts'

interface Attached {
  channel: Channel
  consumer: Consumer
}

type AttachOutcome = Outcome<{ consumer: Id; active: boolean }>

/** The consumers of one connection: who gets which delivery, and what credit they are due. */
export class Consumers {
  private readonly link: Link
  private readonly reject: (ranges: readonly SettledRange[]) => void
  private readonly byId = new Map<Id, Attached>()
  /** Channels with a direct reply-to consumer, by its route. */
  private readonly replies = new Map<Id, Channel>()
  private dirty: Consumer[] = []
  /** Queues deleted before we heard that their consumer was attached. */
  private readonly goneEarly = new Set<Id>()
  private pools = 0

  /** `reject` gets the messages that the client cannot be sent. */
  constructor(link: Link, reject: (ranges: readonly SettledRange[]) => void) {
    this.link = link
    this.reject = reject
  }

  /** Attaches it to its queue; deliveries come only when it is given credit, by `started`. */
  attach(channel: Channel, consumer: Consumer): Promise<AttachOutcome> {
    const { broker, session } = this.link
    const { subscription, noAck, priority, exclusive } = consumer.facts
    if (!noAck && channel.pool !== null) consumer.join(channel.pool)
    consumer.pooled = consumer.pool !== null
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
    if (consumer.cancelled) return
    consumer.id = id
    this.byId.set(id, { channel, consumer })
    this.mark(consumer)
    this.grant()
  }

  /** Resolves when nothing more will come for it. What it holds stays with the client. */
  async cancel(consumer: Consumer): Promise<void> {
    consumer.cancelled = true
    // At once, if it can be: what the client sent behind it finds the queue without this consumer.
    const id = consumer.id === 0 ? await consumer.attached : consumer.id
    if (id === 0) return
    this.byId.delete(id)
    await this.link.broker.detach(id, 'keep')
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
    this.dropPool(channel)
    void this.endReplies(channel)
  }

  /** Its route is there, if nobody has ended it meanwhile. */
  startReplies(channel: Channel, reply: ReplyConsumer, route: Id): void {
    reply.route = route
    if (channel.replyConsumer === reply) this.replies.set(route, channel)
    else void this.link.broker.drop([{ id: route }])
  }

  async endReplies(channel: Channel): Promise<void> {
    const reply = channel.replyConsumer
    channel.replyConsumer = null
    if (reply === null || reply.route === 0) return
    this.replies.delete(reply.route)
    await this.link.broker.drop([{ id: reply.route }])
  }

  /** The core forgets a pool that has neither consumers nor credit. */
  private dropPool({ pool }: Channel): void {
    if (pool === null || pool.granted === 0) return
    const { broker, session } = this.link
    broker.credit([{ session, pool: pool.number, messages: -pool.granted }])
    pool.granted = 0
  }

  /** basic.qos with global set; also for the consumers that are there. 0 = no limit. The credit follows with `grant`. */
  limit(channel: Channel, prefetch: number): void {
    if (prefetch === 0 && channel.pool === null) return
    channel.pool ??= new Pool(++this.pools, prefetch)
    channel.pool.prefetch = prefetch
    for (const consumer of channel.consumers.values()) {
      if (consumer.facts.noAck) continue
      consumer.join(channel.pool)
      this.mark(consumer)
    }
  }

  deliver(deliveries: readonly Delivery[]): void {
    const unsayable: SettledRange[] = []
    for (const delivery of deliveries) {
      if (delivery.consumer === 0) {
        this.reply(delivery)
        continue
      }
      const attached = this.byId.get(delivery.consumer)
      if (attached === undefined || !attached.channel.open) continue
      deliver(this.link, attached.channel, attached.consumer, delivery, unsayable)
      this.mark(attached.consumer)
    }
    if (this.link.out.pending > 0) this.link.send()
    if (unsayable.length > 0) this.reject(unsayable)
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
