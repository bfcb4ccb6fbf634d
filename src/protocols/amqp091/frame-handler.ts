import { MalformedError, Reader } from '../../base/index.ts'
import type { Receiver } from '../../core/index.ts'
import type { Channel } from './channel.ts'
import type { Connection } from './connection.ts'
import { refuse } from './errors.ts'
import { limits } from './limits.ts'
import {
  channelClose,
  channelOpen,
  channelOperations,
  connectionClose,
  connectionCloseOk,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
  connectionUpdateSecret,
  settle,
} from './operations/index.ts'
import {
  basicClass,
  contentHeaderHeadBytes,
  frameBody,
  frameHeader,
  frameHeartbeat,
  frameMethod,
  idOf,
  nameOf,
  readArgs,
  readDeliveryTag,
  type FrameSink,
} from './wire/index.ts'

const publish = idOf('basic.publish')
const ack = idOf('basic.ack')
const reject = idOf('basic.reject')
const nack = idOf('basic.nack')
const open = idOf('channel.open')
const close = idOf('channel.close')
const closeOk = idOf('channel.close-ok')
const methodIdBytes = 4

/** They must find what the client has just published, so they wait until it is durable. */
const seesPublished = new Set([idOf('basic.get'), idOf('queue.purge'), idOf('queue.delete')])

/** Gives each frame to the operation that it is for; what an operation refuses ends what it must. */
export class FrameHandler {
  private readonly connection: Connection
  private readonly receiver: Receiver

  constructor(connection: Connection, receiver: Receiver) {
    this.connection = connection
    this.receiver = receiver
  }

  readonly frame: FrameSink = (type, number, buffer, start, end) => {
    const { connection } = this
    if (connection.phase === 'ended') return
    if (connection.holding) {
      const payload = Buffer.from(buffer.subarray(start, end))
      connection.held.push(() => this.frame(type, number, payload, 0, payload.length))
      return
    }
    try {
      this.dispatch(type, number, buffer, start, end)
    } catch (error) {
      connection.link.discard()
      connection.fail(connection.channels.get(number) ?? null, error)
    }
  }

  private dispatch(type: number, number: number, buffer: Buffer, start: number, end: number): void {
    switch (type) {
      case frameMethod:
        if (number === 0) this.connectionMethod(buffer, start, end)
        else this.channelMethod(number, buffer, start, end)
        return
      case frameHeader:
        this.contentHeader(number, buffer, start, end)
        return
      case frameBody:
        this.contentBody(number, buffer.subarray(start, end))
        return
      case frameHeartbeat:
        this.connection.current = 0
        if (number !== 0) refuse('UNEXPECTED_FRAME', 'heartbeat on a channel')
        if (end > start) refuse('FRAME_ERROR', 'heartbeat with a payload')
        return
      default:
        this.connection.current = 0
        refuse('FRAME_ERROR', `type ${type}: unknown_frame`)
    }
  }

  private methodId(buffer: Buffer, start: number, end: number): number {
    if (end - start < methodIdBytes) throw new MalformedError('a method frame without a method')
    const id = buffer.readUInt32BE(start)
    this.connection.current = id
    return id
  }

  private connectionMethod(buffer: Buffer, start: number, end: number): void {
    const { connection } = this
    const name = nameOf(this.methodId(buffer, start, end))
    const { phase } = connection
    const reader = new Reader(buffer, start + methodIdBytes, end)
    switch (name) {
      case 'connection.close':
        connectionClose(connection)
        return
      case 'connection.close-ok':
        connectionCloseOk(connection)
        return
      case 'connection.start-ok':
        if (phase === 'start') return connectionStartOk(connection, readArgs(name, reader))
        break
      case 'connection.tune-ok':
        if (phase === 'tune') return connectionTuneOk(connection, readArgs(name, reader))
        break
      case 'connection.open':
        if (phase === 'open') return connectionOpen(connection, readArgs(name, reader), this.receiver)
        break
      case 'connection.update-secret':
        if (phase === 'running') return connectionUpdateSecret(connection)
        break
      default:
        break
    }
    if (phase !== 'closing') refuse('COMMAND_INVALID', `${name ?? 'unknown method'} is not for channel 0 now`)
  }

  private channelMethod(number: number, buffer: Buffer, start: number, end: number): void {
    const { connection } = this
    const id = this.methodId(buffer, start, end)
    if (connection.phase === 'closing') return
    if (connection.phase !== 'running') refuse('UNEXPECTED_FRAME', 'a channel before connection.open')
    const channel = connection.channels.get(number)
    if (channel === undefined) {
      if (id === open) channelOpen(connection, number)
      else if (id !== closeOk) refuse('CHANNEL_ERROR', "expected 'channel.open'")
      return
    }
    if (id === close) return channelClose(connection, channel)
    if (!channel.open) {
      if (id === closeOk) connection.channels.delete(number)
      return
    }
    if (channel.content !== null) {
      connection.current = publish
      refuse('UNEXPECTED_FRAME', 'expected content header for class 60, got non content header frame instead')
    }
    this.openChannelMethod(channel, id, buffer, start + methodIdBytes, end)
  }

  private openChannelMethod(channel: Channel, id: number, buffer: Buffer, start: number, end: number): void {
    const { connection } = this
    switch (id) {
      case publish:
        connection.publisher.begin(channel, buffer, start, end)
        return
      case ack: {
        const tag = readDeliveryTag(buffer, start, end)
        return settle(connection, channel, tag, (buffer[start + 8]! & 1) !== 0, 'done')
      }
      case reject: {
        const tag = readDeliveryTag(buffer, start, end)
        return settle(connection, channel, tag, false, (buffer[start + 8]! & 1) !== 0 ? 'requeue' : 'reject')
      }
      case nack: {
        const tag = readDeliveryTag(buffer, start, end)
        const bits = buffer[start + 8]!
        return settle(connection, channel, tag, (bits & 1) !== 0, (bits & 2) !== 0 ? 'requeue' : 'reject')
      }
      case open:
        return channelOpen(connection, channel.number)
      default:
        return this.operation(channel, id, new Reader(buffer, start, end))
    }
  }

  private operation(channel: Channel, id: number, reader: Reader): void {
    const name = nameOf(id)
    const operation = name === undefined ? undefined : channelOperations[name]
    if (name === undefined || operation === undefined) refuse('COMMAND_INVALID', 'unimplemented method')
    const args = readArgs(name, reader)
    if (reader.remaining > 0) throw new MalformedError(`${reader.remaining} bytes behind the arguments of ${name}`)
    this.connection.publisher.flush()
    if (seesPublished.has(id) && this.connection.link.stagedBytes > 0) {
      this.connection.held.unshift(() => this.run(channel, id, operation, args))
      this.connection.hold(this.connection.link.broker.settled())
      return
    }
    this.run(channel, id, operation, args)
  }

  private run(channel: Channel, id: number, operation: unknown, args: unknown): void {
    const { connection } = this
    if (!channel.open) return
    connection.current = id
    try {
      ;(operation as (connection: Connection, channel: Channel, args: unknown) => void)(connection, channel, args)
    } catch (error) {
      connection.fail(channel, error)
    }
  }

  /** The channel that content frames are for, or null where nobody listens any more. */
  private contentChannel(number: number): Channel | null {
    const { connection } = this
    if (connection.phase === 'closing') return null
    const channel = connection.channels.get(number)
    if (channel === undefined) {
      connection.current = 0
      refuse('CHANNEL_ERROR', "expected 'channel.open'")
    }
    return channel.open ? channel : null
  }

  private contentHeader(number: number, buffer: Buffer, start: number, end: number): void {
    const channel = this.contentChannel(number)
    if (channel === null) return
    const { content } = channel
    this.connection.current = publish
    if (content === null || content.facts !== null) {
      this.connection.current = 0
      refuse('UNEXPECTED_FRAME', 'expected method frame, got non method frame instead')
    }
    const reader = new Reader(buffer, start, end)
    const contentClass = reader.u16()
    reader.take(2)
    const bodyBytes = reader.u32() * 0x1_0000_0000 + reader.u32()
    if (contentClass !== basicClass) {
      refuse('UNEXPECTED_FRAME', `expected content header for class 60, got one for class ${contentClass} instead`)
    }
    const { bodyBytesMax } = this.connection.link
    if (bodyBytes > bodyBytesMax) {
      channel.dropContent()
      refuse('PRECONDITION_FAILED', `message size ${bodyBytes} is larger than configured max size ${bodyBytesMax}`)
    }
    content.bodyBytes = bodyBytes
    this.connection.publisher.properties(channel, content, buffer.subarray(start + contentHeaderHeadBytes, end))
    if (bodyBytes === 0) this.published(channel, Buffer.alloc(0))
  }

  private contentBody(number: number, part: Buffer): void {
    const channel = this.contentChannel(number)
    if (channel === null) return
    const { content } = channel
    if (content === null || content.facts === null) {
      this.connection.current = 0
      refuse('UNEXPECTED_FRAME', 'expected method frame, got non method frame instead')
    }
    this.connection.current = publish
    if (part.length > content.bodyBytes - content.received) {
      refuse('FRAME_ERROR', `a body of ${content.bodyBytes} bytes goes on after its end`)
    }
    const begins = !content.parts
    const body = content.add(part)
    const { link } = this.connection
    if (begins && content.parts) link.arrives(content.bodyBytes)
    if (body !== null) this.published(channel, body)
    else if (link.arrivingBytes > limits.arrivingBytesMax) {
      refuse('RESOURCE_ERROR', `more than ${limits.arrivingBytesMax} bytes of messages are under way`)
    }
  }

  private published(channel: Channel, body: Buffer): void {
    const { content } = channel
    channel.dropContent()
    if (!content?.facts) return
    const { route, facts } = content
    // A held body must not hold the whole chunk that it came in.
    if (channel.transaction !== null) channel.transaction.publish({ route, facts, body: Buffer.from(body) })
    else this.connection.publisher.add(channel, route, facts, body)
  }
}
