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
  /** Of bodies that are still arriving, on all channels. */
  arrivingBytes = 0
  private full = false

  constructor(peer: Peer, context: ProtocolContext) {
    this.peer = peer
    this.context = context
    this.broker = context.broker
  }

  /** Hands what was encoded to the client. */
  readonly send = (bytes: Uint8Array = this.out.take()): void => {
    this.spoke = true
    if (!this.peer.write(bytes)) this.writable = false
  }

  method<M extends MethodName>(channel: number, name: M, args: Args<M>): void {
    writeMethod(this.out, channel, name, args)
    this.send()
  }

  /** Reads on only while what waits for an answer is within bounds. */
  pace(): void {
    const full = this.stagedBytes > limits.stagedBytesMax || this.outbox.waiting > limits.repliesMax
    if (full === this.full) return
    this.full = full
    if (full) this.peer.pause()
    else this.peer.resume()
  }
}
