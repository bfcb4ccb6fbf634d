import { MalformedError } from '../../base/index.ts'
import type { Verdict } from '../../core/index.ts'
import { Channel } from './channel.ts'
import { Consumers } from './consumers.ts'
import { ProtocolError } from './errors.ts'
import { limits } from './limits.ts'
import type { Link } from './link.ts'
import { Publisher } from './publisher.ts'
import type { SettledRange } from './unsettled.ts'

/**
 * Where the client is in the conversation. `opening`: connection.open is being answered. `closing`: we
 * sent connection.close. `ended`: nothing more is read or written.
 */
export type Phase = 'header' | 'start' | 'tune' | 'open' | 'opening' | 'running' | 'closing' | 'ended'

/** The state of one connection, and how it and its channels end. */
export class Connection {
  readonly link: Link
  readonly channels = new Map<number, Channel>()
  readonly consumers: Consumers
  readonly publisher: Publisher
  phase: Phase = 'header'
  channelMax: number = limits.channelMax
  heartbeatSeconds = 0
  /** Class and method of what is being handled, for the close that it may lead to. */
  current = 0
  /** Frames wait in `held` for something that those before them need. */
  holding = false
  readonly held: (() => void)[] = []
  /** Called when heartbeats were negotiated; set by the session. */
  tuned: () => void = () => undefined
  private sessionEnded: Promise<unknown> | null = null

  constructor(link: Link) {
    this.link = link
    this.consumers = new Consumers(link, (ranges) => this.reject(ranges))
    this.publisher = new Publisher(link, (channel, error) => this.fail(channel, error))
  }

  openChannel(number: number): Channel {
    const channel = new Channel(number, this.link)
    this.channels.set(number, channel)
    return channel
  }

  /** What comes in now is looked at when `until` is there, in order. */
  hold(until: Promise<unknown>): void {
    this.holding = true
    this.link.peer.pause()
    const goOn = (): void => this.release()
    until.then(goOn, goOn)
  }

  private release(): void {
    this.holding = false
    this.link.peer.resume()
    for (let frame = this.nextHeld(); frame !== undefined; frame = this.nextHeld()) frame()
    if (this.phase !== 'running') return
    this.publisher.flush()
    this.consumers.grant()
  }

  /** A frame may make those behind it wait again. */
  private nextHeld(): (() => void) | undefined {
    return this.holding || this.phase === 'ended' ? undefined : this.held.shift()
  }

  /** One or several deliveries of a channel are settled. */
  settle(channel: Channel, tag: number, multiple: boolean, as: Verdict): boolean {
    return channel.settle(tag, multiple, (range) => this.settled(range, as))
  }

  settled(range: SettledRange, as: Verdict): void {
    this.publisher.settled(range, as)
    this.answered(range)
  }

  /** The client cannot be sent them: so that they stand in nobody's way, they go where rejected ones go. */
  reject(ranges: readonly SettledRange[]): void {
    for (const range of ranges) this.settled(range, { do: 'reject', reason: 'unrepresentable' })
    this.publisher.flush()
  }

  /** Its consumer may have as many more. */
  answered(range: SettledRange): void {
    const { consumer } = range
    if (consumer === null) return
    consumer.settled(range.last - range.first + 1)
    this.consumers.mark(consumer)
  }

  /** The channel's unsettled messages go back, its consumers end. */
  releaseChannel(channel: Channel): void {
    channel.dropContent()
    channel.transaction?.end()
    // What running consumers hold is released with them.
    channel.unsettled.settleAll((range) => {
      const { consumer } = range
      if (consumer === null || consumer.cancelled) this.publisher.settled(range, { do: 'release' })
    })
    this.publisher.flush()
    this.consumers.release(channel)
  }

  /** Ends what the error ends: the channel, or the whole connection. */
  fail(channel: Channel | null, error: unknown, cause = this.current): void {
    const reply = replyOf(error)
    if (!(error instanceof ProtocolError || error instanceof MalformedError))
      this.link.context.log.error('AMQP operation failed', { error: String(error) })
    if (reply.scope === 'connection' || channel === null) this.close(reply, cause)
    else this.closeChannel(channel, reply, cause)
  }

  private closeChannel(channel: Channel, reply: ProtocolError, cause: number): void {
    if (!channel.open) return
    this.publisher.flush()
    channel.state = 'closing'
    this.releaseChannel(channel)
    const { link } = this
    const close = closeArgs(reply, cause)
    const send = (): void => {
      if (channel.state === 'closing') link.method(channel.number, 'channel.close', close)
      channel.muted = true
    }
    link.outbox.after(link.broker.settled(), send, send)
  }

  /** Says why, and waits for close-ok, but not for ever; not at all when the client cannot be understood any more. */
  close(reply: ProtocolError, cause = 0, lost = false): void {
    if (this.phase === 'closing' || this.phase === 'ended') return
    const { link } = this
    const running = this.phase === 'running'
    if (running) this.publisher.flush()
    this.phase = 'closing'
    for (const channel of this.channels.values()) channel.state = 'closed'
    const send = (): void => {
      link.method(0, 'connection.close', closeArgs(reply, cause))
      for (const channel of this.channels.values()) channel.muted = true
      if (lost) this.end('error')
    }
    if (running) link.outbox.after(this.endSession(), send, send)
    else send()
    link.context.timers.after(limits.closeMs, () => this.end('server'))
  }

  /** Ends the core's session: temporary queues go, unsettled messages go back. */
  endSession(): Promise<unknown> {
    const { broker, session, epoch } = this.link
    if (session === 0) return Promise.resolve()
    this.sessionEnded ??= broker.close(session, epoch, { wills: 'drop' })
    return this.sessionEnded
  }

  end(reason: 'client' | 'server' | 'error' | 'timeout' | 'stopping'): void {
    if (this.phase === 'ended') return
    this.phase = 'ended'
    for (const channel of this.channels.values()) channel.state = 'closed'
    this.link.outbox.drop()
    // What the client has not taken yet may keep the socket for a while: nothing more is to be delivered to it.
    void this.endSession()
    this.link.peer.close(reason)
  }
}

function replyOf(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error
  if (error instanceof MalformedError) return new ProtocolError('FRAME_ERROR', `cannot decode: ${error.message}`)
  return new ProtocolError('INTERNAL_ERROR', 'see the log of the broker')
}

function closeArgs(reply: ProtocolError, cause: number) {
  return { replyCode: reply.code, replyText: reply.text, classId: cause >>> 16, methodId: cause & 0xffff }
}
