import type { Delivery, Verdict } from '../../../core/index.ts'
import type { Hub } from '../hub.ts'
import type { Output } from '../output.ts'
import type { Subscriptions } from '../subscriptions.ts'
import { heldMax } from '../limits.ts'
import { done, unsayable, unseen } from '../turn.ts'
import type { Turn } from '../turn.ts'
import { firstFailure, PacketType, publishBytes, Reason, writeAck, writePublishHead } from '../wire/index.ts'
import type { PublishHead, Qos, ReasonCode, Version } from '../wire/index.ts'
import { Aliases } from './aliases.ts'
import { formOf, type Form } from './forms.ts'
import { InFlight } from './in-flight.ts'
import type { Source } from './in-flight.ts'
import type { Pages } from './replays.ts'
import { Waiting, type Keeper } from './waiting.ts'
import { termsOf } from './terms.ts'
import type { Terms } from './terms.ts'

/** What the outbox needs of the client it belongs to. */
export interface Recipient {
  readonly clientId: string
  readonly hub: Hub
  readonly peer: Keeper
  readonly output: Output
  readonly version: Version
  readonly subscriptions: Subscriptions
  readonly turn: Turn
  /** Of the session's own log; 0 while it has none. */
  readonly ownSubscription: number
  /** The client's Maximum Packet Size. */
  readonly sendBytesMax: number
  /** Is this consumer still there? */
  serves(subscription: number, consumer: number): boolean
  /** QoS 2: the PUBREC of this one is remembered before PUBREL goes out. */
  recorded(packetId: number): void
  completed(packetId: number): void
  /** Something goes on by itself; after it there is more to send. */
  pumpAfter(work: Promise<void>): void
}

/** Retained messages that a new subscription gets. */
export interface Promised {
  filter: string
  pages: Pages
  terms: Terms
}

/** Other protocols can say more. */
const expirySecondsMax = 0xffff_ffff

const live: Source = { subscription: 0, partition: 0, offset: -1, attempt: 1, consumer: 0, bytes: 0 }

/**
 * Messages on their way to one client: sent at once while the client keeps up, else waiting in order. What came by
 * lease is bounded by credit; live messages by count and bytes, and dropped beyond that.
 */
export class Outbox {
  readonly inFlight: InFlight
  private holds = 0
  /** What came during a hold. */
  private held: Delivery[] = []
  private readonly client: Recipient
  private readonly aliases: Aliases | undefined
  private readonly waiting: Waiting
  private readonly head: PublishHead = {
    qos: 0,
    dup: false,
    retain: false,
    packetId: 0,
    own: {},
    topicOmitted: false,
  }

  constructor(client: Recipient, receiveMaximum: number, aliasMaximum: number) {
    this.client = client
    const { inFlightMax, queuedMessagesMax, queuedBytesMax, topicAliasMaximum } = client.hub.settings
    this.inFlight = new InFlight(Math.min(receiveMaximum, inFlightMax))
    this.waiting = new Waiting(queuedMessagesMax, queuedBytesMax, client.peer, (page) => client.pumpAfter(page))
    this.aliases = aliasMaximum > 0 ? new Aliases(Math.min(aliasMaximum, topicAliasMaximum)) : undefined
  }

  /** How many messages the client takes before it acknowledges one. */
  get window(): number {
    return this.inFlight.max
  }

  /** Nothing is sent until `release`: on which terms is known only when the routes are. */
  hold(): void {
    this.holds++
  }

  /** Ends a hold; `retained` go first: they are older than what waits. */
  release(retained: readonly Promised[] = []): void {
    for (const { filter, pages, terms } of retained) this.waiting.replay(filter, pages, terms)
    this.holds--
    this.pump()
    const held = this.held
    this.held = []
    this.deliver(held)
  }

  /** UNSUBSCRIBE ends what was promised for these filters; others may have waited behind it. */
  forget(filters: readonly string[]): void {
    for (const filter of filters) this.waiting.forget(filter)
    this.pump()
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (this.holds === 0) this.run(delivery)
      else if (delivery.subscription !== 0 || this.held.length < heldMax) this.held.push(delivery)
      else this.client.hub.lost(this.client.clientId, delivery.count)
    }
  }

  private run(delivery: Delivery): void {
    const { batch, first, count, subscription, attempt } = delivery
    if (subscription !== 0 && !this.client.serves(subscription, delivery.consumer)) {
      // It was on its way when the client unsubscribed: others have it by now.
      this.client.turn.completed += count
      return
    }
    const terms = termsOf(delivery, this.client.subscriptions)
    const source: Source = {
      subscription,
      partition: batch.partition,
      offset: -1,
      attempt,
      consumer: delivery.consumer,
      bytes: 0,
    }
    for (let i = first; i < first + count; i++) {
      if (subscription !== 0) {
        source.offset = batch.baseOffset + batch.table.offsetDelta(i)
        source.bytes = batch.table.valueBytes(i)
      }
      const form = formOf(batch, i)
      if (form === undefined) this.finish(source, unsayable)
      else if (!this.ready || !this.send(form, terms, batch.expiresAt, source))
        this.wait(form, terms, batch.expiresAt, source)
    }
  }

  private get ready(): boolean {
    return this.waiting.empty && !this.client.output.congested
  }

  private wait(form: Form, terms: Terms, expiresAt: number | null, source: Source): void {
    const parcel = { form, terms, expiresAt, source: source.subscription === 0 ? live : { ...source } }
    if (!this.waiting.add(parcel, source.subscription !== 0)) this.client.hub.lost(this.client.clientId, 1)
  }

  /** Sends what waits, as far as the client keeps up. */
  pump(): void {
    if (this.holds > 0) return
    for (;;) {
      const parcel = this.client.output.congested ? undefined : this.waiting.peek()
      if (parcel === undefined) break
      if (!this.send(parcel.form, parcel.terms, parcel.expiresAt, parcel.source ?? live)) break
      this.waiting.shift()
    }
  }

  /** False: the client must acknowledge something first. */
  private send(form: Form, terms: Terms, expiresAt: number | null, source: Source): boolean {
    const { client, head } = this
    const { version, output } = client
    let remaining = form.expirySeconds
    if (expiresAt !== null) {
      remaining = Math.ceil((expiresAt - client.hub.clock.now()) / 1000)
      if (remaining <= 0) return this.finish(source, done)
    }
    head.qos = Math.min(form.qos, terms.qos) as Qos
    head.retain = terms.retained || (terms.retainAsPublished && form.retain)
    head.own = terms.own
    head.topicOmitted = false
    if (version === 5 && (remaining !== undefined || this.aliases !== undefined)) {
      head.own = { ...terms.own }
      if (remaining !== undefined) head.own.messageExpiryInterval = Math.min(remaining, expirySecondsMax)
    }
    if (this.aliases !== undefined) head.topicOmitted = this.aliases.propose(form.topic, head.own)
    if (client.sendBytesMax < Infinity && !this.fits(form)) return this.finish(source, unsayable)
    if (head.qos > 0) {
      const own = source.subscription !== 0 && source.subscription === client.ownSubscription
      head.packetId = this.inFlight.start(source, own)
      if (head.packetId === 0) return false
    }
    head.dup = head.qos > 0 && source.attempt > 1
    if (this.aliases !== undefined && !head.topicOmitted) this.aliases.sent(form.topic, head.own)
    writePublishHead(output.writer, form, head, version)
    output.payload(form.payload)
    client.hub.metrics.messagesOut++
    if (head.qos === 0) this.finish(source, done)
    return true
  }

  /** Does the client take a packet of that size? One that is too large only with an alias goes without. */
  private fits(form: Form): boolean {
    const { client, head } = this
    if (publishBytes(form, head, client.version) <= client.sendBytesMax) return true
    if (head.own.topicAlias === undefined) return false
    delete head.own.topicAlias
    head.topicOmitted = false
    return publishBytes(form, head, client.version) <= client.sendBytesMax
  }

  private finish(source: Source, verdict: Verdict): true {
    if (source.subscription === 0) return true
    this.client.turn.settle(source, verdict)
    this.client.turn.complete(source)
    return true
  }

  /** PUBACK, and what ends a QoS 2 message early: PUBREC with a failure. */
  acknowledged(packetId: number): void {
    const flight = this.inFlight.get(packetId)
    if (flight === undefined || flight.released) return
    this.inFlight.delete(packetId)
    this.finish(flight, done)
    this.pump()
  }

  /** PUBREC (MQTT 5 section 4.3.3): from now on the client has it; PUBREL goes out when we know that for good. */
  received(packetId: number, reason: ReasonCode): void {
    if (reason >= firstFailure) return this.acknowledged(packetId)
    const flight = this.inFlight.get(packetId)
    if (flight === undefined) {
      this.client.turn.owe(PacketType.pubrel, packetId, -1, Reason.packetIdentifierNotFound)
      return
    }
    if (!flight.released) {
      flight.released = true
      this.client.recorded(packetId)
      if (flight.subscription !== 0) this.client.turn.settle(flight, done)
    }
    this.client.turn.owe(PacketType.pubrel, packetId)
  }

  /** PUBCOMP. */
  completed(packetId: number): void {
    const flight = this.inFlight.get(packetId)
    if (flight === undefined || !flight.released) return
    this.inFlight.delete(packetId)
    this.client.completed(packetId)
    if (flight.subscription !== 0) this.client.turn.complete(flight)
    this.pump()
  }

  /** QoS 2 messages whose PUBREC came over an earlier connection (MQTT-4.4.0-1). */
  resume(packetIds: Iterable<number>): void {
    for (const id of packetIds) {
      this.inFlight.resume(id)
      writeAck(this.client.output.writer, PacketType.pubrel, id, Reason.success, this.client.version)
    }
  }

  /** The consumer goes: what it has that was not sent is as good as new, and room for others. */
  withdraw(consumer: number): void {
    for (const { source } of this.waiting.take((parcel) => parcel.source?.consumer === consumer)) {
      this.finish(source!, unseen)
    }
  }

  /** The connection has gone: what was leased and never sent is as good as new. */
  abandon(): void {
    this.held = []
    for (const { source } of this.waiting.clear()) {
      if (source !== undefined && source.subscription !== 0) this.client.turn.settle(source, unseen)
    }
  }
}
