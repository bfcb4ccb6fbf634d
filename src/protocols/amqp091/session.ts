import type { Notice, Receiver } from '../../core/index.ts'
import type { CloseReason, Peer, ProtocolContext, Session } from '../../server/index.ts'
import type { Timer } from '../../world/index.ts'
import { Connection, type Phase } from './connection.ts'
import { ProtocolError } from './errors.ts'
import { FrameHandler } from './frame-handler.ts'
import { limits } from './limits.ts'
import { Link } from './link.ts'
import { connectionStart } from './operations/index.ts'
import { FrameCutter, heartbeatFrame } from './wire/index.ts'

/** `AMQP`, 0, major 0, minor 9, revision 1: said by the client first, and by us to who says anything else. */
const protocolHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])

/** Until connection.open has come. */
const logins: ReadonlySet<Phase> = new Set(['header', 'start', 'tune', 'open'])

/** One client: bytes in, core calls, bytes out. */
export class AmqpSession implements Session {
  private readonly connection: Connection
  private readonly frames: FrameHandler
  private readonly cutter = new FrameCutter(limits.frameBytesMax)
  private header = Buffer.alloc(0)
  private heartbeat: Timer | null = null
  private heardAt = 0

  constructor(peer: Peer, context: ProtocolContext) {
    const connection = new Connection(new Link(peer, context))
    this.connection = connection
    const receiver: Receiver = {
      deliver: (deliveries) => {
        try {
          connection.consumers.deliver(deliveries)
        } catch (error) {
          connection.link.discard()
          throw error
        }
      },
      notice: (notice) => this.notice(notice),
    }
    this.frames = new FrameHandler(connection, receiver)
    connection.tuned = () => this.tuned()
  }

  get known(): boolean {
    return !logins.has(this.connection.phase)
  }

  get unfinished(): number {
    return this.cutter.unfinished
  }

  receive(chunk: Buffer): void {
    const { connection } = this
    if (connection.phase === 'ended') return
    this.heardAt = this.now()
    const rest = connection.phase === 'header' ? this.takeHeader(chunk) : chunk
    if (rest === null) return
    const failure = this.cutter.push(rest, this.frames.frame)
    if (failure !== null) {
      this.cutter.halt()
      connection.close(new ProtocolError('FRAME_ERROR', failure), 0, true)
    }
    if (connection.phase !== 'running') return
    connection.publisher.flush()
    connection.consumers.grant()
    connection.link.pace()
  }

  /** What follows the protocol header, once it is there and good. */
  private takeHeader(chunk: Buffer): Buffer | null {
    const { connection } = this
    const header = this.header.length === 0 ? chunk : Buffer.concat([this.header, chunk])
    const bytes = Math.min(header.length, protocolHeader.length)
    if (header.compare(protocolHeader, 0, bytes, 0, bytes) !== 0) {
      connection.link.send(protocolHeader)
      connection.end('error')
      return null
    }
    if (header.length < protocolHeader.length) {
      this.header = Buffer.from(header)
      return null
    }
    this.header = Buffer.alloc(0)
    connection.phase = 'start'
    connectionStart(connection)
    return header.subarray(protocolHeader.length)
  }

  drained(): void {
    this.connection.link.drained()
    this.connection.consumers.grant()
  }

  closed(_reason: CloseReason): void {
    const { connection } = this
    this.heartbeat?.cancel()
    this.cutter.halt()
    connection.phase = 'ended'
    connection.link.outbox.drop()
    void connection.endSession()
  }

  stop(): void {
    const { connection } = this
    if (connection.phase === 'running') {
      const goodbye = "broker forced connection closure with reason 'shutdown'"
      // Behind the answers that still wait for their commit: confirms above all.
      connection.link.outbox.push(() => connection.close(new ProtocolError('CONNECTION_FORCED', goodbye)))
    } else if (connection.phase !== 'closing') {
      connection.end('stopping')
    }
  }

  private tuned(): void {
    const { connection, cutter } = this
    cutter.frameBytesMax = connection.link.frameBytesMax
    if (connection.heartbeatSeconds > 0) this.beat(connection.heartbeatSeconds * 1000)
  }

  /** A heartbeat goes out when nothing else did for half the interval; two intervals of silence are the end. */
  private beat(intervalMs: number): void {
    const { connection } = this
    const { link } = connection
    this.heartbeat = link.context.timers.after(intervalMs / 2, () => {
      if (connection.phase === 'ended') return
      if (link.peer.mayBeSilent()) this.heardAt = this.now()
      if (this.now() - this.heardAt > intervalMs * 2) {
        link.context.log.warn('AMQP client missed its heartbeats', { peer: link.peer.address })
        connection.end('timeout')
        return
      }
      if (!link.spoke) link.peer.write(heartbeatFrame)
      link.spoke = false
      this.beat(intervalMs)
    })
  }

  private now(): number {
    return this.connection.link.context.clock.monotonic()
  }

  private notice(notice: Notice): void {
    const { connection } = this
    const { link } = connection
    switch (notice.notice) {
      case 'fenced':
        connection.close(new ProtocolError('CONNECTION_FORCED', 'closed by the broker'))
        return
      case 'unavailable':
        // Behind the nacks of what was under way.
        connection.close(
          new ProtocolError('CONNECTION_FORCED', 'the storage of the broker has failed, try again later'),
        )
        return
      case 'gone':
        connection.consumers.gone(notice.consumer)
        return
      case 'blocked':
        link.blocked(notice.reason)
        return
      case 'unblocked':
        link.blocked(null)
        return
      case 'active':
        return
    }
  }
}
