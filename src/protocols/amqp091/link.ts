import type { Broker, Id } from '../../core/index.ts'
import type { Peer, ProtocolContext } from '../../server/index.ts'
import { limits } from './limits.ts'
import { Outbox } from './outbox.ts'
import { FrameWriter, writeMethod, type Args, type MethodName } from './wire/index.ts'

/** All connections encode into the same slab, each for as long as it takes to write one answer; see `FrameWriter`. */
const writer = new FrameWriter()

export interface ClientCapabilities {
  consumerCancelNotify: boolean
  connectionBlocked: boolean
  authenticationFailureClose: boolean
  /** Understands basic.nack as a confirm. */
  basicNack: boolean
}

/** What a connection's channels and operations share: the way out, the core, and what was negotiated. */
export class Link {
  readonly peer: Peer
  readonly context: ProtocolContext
  readonly broker: Broker
  readonly out = writer
  readonly outbox = new Outbox(() => this.pace())
  frameBytesMax: number = limits.frameBytesMax
  readonly bodyBytesMax: number
  capabilities: ClientCapabilities = {
    consumerCancelNotify: false,
    connectionBlocked: false,
    authenticationFailureClose: false,
    basicNack: false,
  }
  user = ''
  vhost = ''
  namespace: Id = 0
  session: Id = 0
  /** Owner of what is declared without `durable`; see `topology/transients.ts`. */
  transients: Id = 0
  epoch = 0
  /** False: the client is slow to take what we send. */
  writable = true
  /** Something was sent since the last heartbeat was due. */
  spoke = false
  /** Published and not yet answered. */
  stagedBytes = 0
  /** Of bodies that are still arriving, on all channels: the whole bodies. */
  arrivingBytes = 0
  /** Held for tx.commit, on all channels. */
  transactionBytes = 0
  /** It has published: it is told when the broker would rather have less. */
  publishes = false
  private full = false
  private blockedBecause: string | null = null
  private toldBlocked = false

  constructor(peer: Peer, context: ProtocolContext) {
    this.peer = peer
    this.context = context
    this.broker = context.broker
    this.bodyBytesMax = (context.config.messageBytesMax as number | undefined) ?? limits.bodyBytesMax
  }

  /** Hands what was encoded to the client. Who does not take it is given nothing more until it does. */
  readonly send = (bytes: Uint8Array = this.out.take()): void => {
    this.spoke = true
    if (this.peer.write(bytes) || !this.writable) return
    this.writable = false
    if (this.session !== 0) this.broker.flow(this.session, this.epoch, false)
  }

  /** What was encoded in part goes to nobody: the next connection writes behind it. */
  discard(): void {
    this.out.take()
  }

  drained(): void {
    this.writable = true
    if (this.session !== 0) this.broker.flow(this.session, this.epoch, true)
  }

  /** Tells who publishes, now or when it begins to; null: it is over. */
  blocked(reason: string | null): void {
    this.blockedBecause = reason
    const tells = reason !== null && this.publishes
    if (tells === this.toldBlocked || !this.capabilities.connectionBlocked) return
    this.toldBlocked = tells
    if (tells) this.method(0, 'connection.blocked', { reason })
    else this.method(0, 'connection.unblocked', {})
  }

  /** It publishes. */
  published(): void {
    if (this.publishes) return
    this.publishes = true
    if (this.blockedBecause !== null) this.blocked(this.blockedBecause)
  }

  method<M extends MethodName>(channel: number, name: M, args: Args<M>): void {
    writeMethod(this.out, channel, name, args)
    this.send()
  }

  /** Transactions hold so many bytes more, or less. */
  holds(bytes: number): void {
    if (bytes === 0) return
    this.transactionBytes += bytes
    this.peer.keeps(this.transactionBytes)
  }

  /** A body of so many bytes has come in part; below 0: it is whole, or will not be. */
  arrives(bytes: number): void {
    this.arrivingBytes += bytes
    if (bytes > 0) this.peer.arriving(this.arrivingBytes)
  }

  /** Reads on only while what waits for an answer is within bounds. */
  pace(): void {
    this.peer.underWay(this.stagedBytes)
    this.peer.arriving(this.arrivingBytes)
    const full = this.outbox.waiting > limits.repliesMax
    if (full === this.full) return
    this.full = full
    if (full) this.peer.pause()
    else this.peer.resume()
  }
}
