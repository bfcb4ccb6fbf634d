import type { Id, Receiver, SaveOp } from '../../core/index.ts'
import type { CloseReason, Peer } from '../../server/index.ts'
import { Outbox } from './delivery/outbox.ts'
import type { Recipient } from './delivery/outbox.ts'
import type { Hub } from './hub.ts'
import type { Watched } from './keep-alive.ts'
import { Output } from './output.ts'
import { PacketIdSet } from './packet-id-set.ts'
import { ReceivedIds } from './received-ids.ts'
import { Subscriptions } from './subscriptions.ts'
import { Turn, type Addressed } from './turn.ts'
import { mayRefuse, Parser, Reason, writeConnack, writeDisconnect } from './wire/index.ts'
import type { PacketHandler, ReasonCode, Version } from './wire/index.ts'

/** `greeting`: nothing but CONNECT may come. `opening`: the session is being found. `over`: the goodbye is said. */
export type Phase = 'greeting' | 'opening' | 'open' | 'over'

/** Why the client is not read from; it is again when no reason is left. */
export const Pause = { opening: 1, changing: 2, committing: 4 } as const

const noChanges: readonly SaveOp[] = []

/** The connection's pool of credit: all its leased consumers together respect the client's Receive Maximum. */
export const pool = 1

/** Who has the client. */
export interface Owner {
  /** Sends what waits, as far as the client keeps up. */
  pump(): void
  /**
   * The session ends or waits for its next connection. At the goodbye, not when the socket has closed: until that is
   * noticed the client may be back.
   */
  leave(): void
}

/** One connected client: its state, and what every operation does with it. Everything not always needed is made late. */
export class Client implements Recipient, Watched {
  readonly hub: Hub
  readonly peer: Peer
  readonly output: Output
  readonly parser: Parser
  readonly receiver: Receiver & Owner
  phase: Phase = 'greeting'
  clientId = ''
  session: Id = 0
  epoch = 0
  /** How long the session outlives this connection; 0: not at all. */
  keepMs = 0
  wills: 'fire' | 'drop' = 'fire'
  /** Another connection has the session, or it was left already: it is not ours to close. */
  fenced = false
  sendBytesMax = Infinity
  receiveMaximum = 65_535
  sendAliasMaximum = 0
  /** Publishes with QoS 1 and 2 that the client waits for an end of. */
  unacknowledged = 0
  /** Commits under way, and the bytes in them. */
  pendingCommits = 0
  pendingBytes = 0
  /** The server stops: goodbye is said when nothing is under way. */
  stopping = false
  ownSubscription: Id = 0
  /** The pool has its credit: once, whatever is subscribed to how often. */
  granted = false
  heardAt = 0
  silenceTicksMax = 0
  /** Aliases of the client's topics, by number. */
  topicAliases: Map<number, Addressed> | undefined
  topicAliasBytes = 0
  private pauses = 0
  private lateConsumers: Map<Id, Id> | undefined
  private lateTurn: Turn | undefined
  private lateOutbox: Outbox | undefined
  private lateSubscriptions: Subscriptions | undefined
  /** QoS 2 from the client: published, PUBREL is awaited. */
  private lateReceived: ReceivedIds | undefined
  /** QoS 2 to the client: PUBREC has come, PUBCOMP is awaited. */
  private lateReleased: PacketIdSet | undefined

  constructor(hub: Hub, peer: Peer, handler: PacketHandler & Receiver & Owner, packetBytesMax: number) {
    this.hub = hub
    this.peer = peer
    this.output = new Output(peer, () => this.flow(false))
    this.parser = new Parser(handler, packetBytesMax, hub.cut)
    this.receiver = handler
  }

  /** The goodbye is said, or the connection lost. */
  get gone(): boolean {
    return this.phase === 'over'
  }

  mayBeSilent(): boolean {
    return this.peer.mayBeSilent()
  }

  get version(): Version {
    return this.parser.version ?? 4
  }

  get persistent(): boolean {
    return this.keepMs > 0
  }

  get turn(): Turn {
    return (this.lateTurn ??= new Turn())
  }

  get outbox(): Outbox {
    return (this.lateOutbox ??= new Outbox(this, this.receiveMaximum, this.sendAliasMaximum))
  }

  get subscriptions(): Subscriptions {
    return (this.lateSubscriptions ??= new Subscriptions())
  }

  /** Leased subscriptions that it is served from, and the consumer; 0 while that is being made. */
  get consumers(): Map<Id, Id> {
    return (this.lateConsumers ??= new Map())
  }

  serves(subscription: Id, consumer: Id): boolean {
    return this.consumers.get(subscription) === consumer
  }

  get received(): ReceivedIds {
    return (this.lateReceived ??= new ReceivedIds())
  }

  get released(): PacketIdSet {
    return (this.lateReleased ??= new PacketIdSet('out/'))
  }

  get hasOutbox(): boolean {
    return this.lateOutbox !== undefined
  }

  recorded(packetId: number): void {
    if (this.persistent) this.released.add(packetId)
  }

  completed(packetId: number): void {
    if (this.persistent) this.released.delete(packetId)
  }

  /** Takes what the turn gathered, to be committed; undefined when there is nothing. */
  takeTurn(): Turn | undefined {
    const turn = this.lateTurn
    this.lateTurn = undefined
    return turn
  }

  /** Saved state that changed in this turn. Of a session that ends with its connection nothing is saved. */
  takeChanges(): readonly SaveOp[] {
    const received = this.lateReceived?.changes() ?? noChanges
    if (!this.persistent) return noChanges
    const released = this.lateReleased?.changes() ?? noChanges
    const subscriptions = this.lateSubscriptions?.changes() ?? noChanges
    return released.length + subscriptions.length === 0 ? received : [...received, ...released, ...subscriptions]
  }

  /** The client takes what it is sent, or does not: then nothing more is leased to it. */
  flow(open: boolean): void {
    if (this.session !== 0) this.hub.broker.flow(this.session, this.epoch, open)
  }

  pause(reason: number): void {
    if (this.pauses === 0) this.peer.pause()
    this.pauses |= reason
  }

  isPaused(reason: number): boolean {
    return (this.pauses & reason) !== 0
  }

  resume(reason: number): void {
    if ((this.pauses & reason) === 0) return
    this.pauses &= ~reason
    if (this.pauses === 0) this.peer.resume()
  }

  /**
   * Says why in MQTT 5 (older versions have no words for it) and ends the connection. Taken over and shutting down are no
   * reasons to refuse a CONNECT: then it is closed without a word, which section 3.1.4 allows, and the client tries again.
   * MQTT.js, from 5.16 on, never comes back after a CONNACK that refuses it.
   */
  end(reason: ReasonCode, close: CloseReason, words?: string): void {
    if (this.phase === 'over') return
    const greeting = this.phase === 'greeting' || this.phase === 'opening'
    this.phase = 'over'
    this.parser.stop()
    this.receiver.leave()
    const silent = greeting && !mayRefuse(reason)
    if (this.parser.version === 5 && !silent) {
      const properties = words === undefined ? {} : { reasonString: words }
      if (greeting) writeConnack(this.output.writer, false, reason, properties, 5)
      else writeDisconnect(this.output.writer, reason, words)
    } else if (
      greeting &&
      !silent &&
      (this.parser.version !== undefined || reason === Reason.unsupportedProtocolVersion)
    ) {
      writeConnack(this.output.writer, false, reason, {}, 4)
    }
    this.output.flush()
    this.peer.close(close)
  }

  /** The client has said goodbye. */
  left(): void {
    this.phase = 'over'
    this.parser.stop()
    this.receiver.leave()
    this.peer.close('client')
  }

  /** Says goodbye as soon as everything that the client was promised an answer for is answered. */
  stop(): void {
    this.stopping = true
    this.parser.stop()
    if (this.pendingCommits === 0) this.end(Reason.serverShuttingDown, 'stopping')
  }

  /** Something of it goes on by itself. */
  background(work: Promise<void>): void {
    work.catch((error: unknown) => this.hub.failed(this, error))
  }

  pumpAfter(work: Promise<void>): void {
    this.background(work.then(() => this.receiver.pump()))
  }

  silent(): void {
    if (this.phase === 'opening') this.drop('timeout')
    else this.end(Reason.keepAliveTimeout, 'timeout')
  }

  /** Ends the connection without a word. */
  drop(close: CloseReason): void {
    this.phase = 'over'
    this.parser.stop()
    this.peer.close(close)
  }
}
