import { Reader } from '../../../src/base/index.ts'
import {
  FrameCutter,
  frameBody,
  frameHeader,
  frameMethod,
  FrameWriter,
  nameOf,
  readArgs,
  writeBody,
  writeContentHeader,
  writeMethod,
  writeProperties,
  type Args,
  type MethodName,
} from '../../../src/protocols/amqp091/wire/index.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { Violation } from '../audit/index.ts'
import { ports } from '../machine/machine.ts'
import { Client } from './client.ts'
import type { Scene } from './scene.ts'

export interface Method {
  name: MethodName
  args: Readonly<Record<string, unknown>>
}

export interface Delivered {
  tag: number
  redelivered: boolean
  payload: Buffer
}

const frameBytesMax = 131_072
const persistent = { deliveryMode: 2 }

/** An AMQP 0-9-1 client with one channel: frames in and out, and waiting for an answer by its name. */
export abstract class AmqpClient extends Client {
  private cutter = new FrameCutter(frameBytesMax)
  private readonly out = new FrameWriter()
  private answers: Method[] = []
  private content: { method: Method; bytes: number; parts: Buffer[]; got: number } | null = null

  constructor(scene: Scene, name: string, random: SimRandom) {
    super(scene, name, ports.amqp, random)
  }

  protected reset(): void {
    this.cutter = new FrameCutter(frameBytesMax)
    this.answers = []
    this.content = null
  }

  /** basic.ack or basic.nack of the broker: up to this number, or just this one. */
  protected confirmed(_tag: number, _multiple: boolean, _ok: boolean): void {
    throw new Violation(`${this.name}: a confirm that nobody asked for`)
  }

  protected delivered(_delivered: Delivered): void {
    throw new Violation(`${this.name}: a delivery that nobody asked for`)
  }

  protected receive(chunk: Buffer): void {
    const failure = this.cutter.push(chunk, (type, _channel, buffer, start, end) => {
      const payload = Buffer.from(buffer.subarray(start, end))
      if (type === frameMethod) this.method(payload)
      else if (type === frameHeader) this.header(payload)
      else if (type === frameBody) this.body(payload)
    })
    if (failure !== null) throw new Violation(`${this.name}: ${failure}`)
  }

  private method(payload: Buffer): void {
    const name = nameOf(payload.readUInt32BE(0))
    if (name === undefined) throw new Violation(`${this.name}: an unknown method`)
    const args: Readonly<Record<string, unknown>> = readArgs(name, new Reader(payload, 4, payload.length))
    const method = { name, args }
    if (name === 'basic.deliver' || name === 'basic.return' || name === 'basic.get-ok') {
      this.content = { method, bytes: 0, parts: [], got: 0 }
    } else if (name === 'basic.ack' || name === 'basic.nack') {
      this.confirmed(args['deliveryTag'] as number, args['multiple'] as boolean, name === 'basic.ack')
    } else if (name !== 'connection.blocked' && name !== 'connection.unblocked') {
      this.answers.push(method)
    }
  }

  private header(payload: Buffer): void {
    this.content!.bytes = Number(payload.readBigUInt64BE(4))
    this.body(payload.subarray(0, 0))
  }

  private body(part: Buffer): void {
    const content = this.content!
    content.parts.push(part)
    content.got += part.length
    if (content.got < content.bytes) return
    this.content = null
    const { name, args } = content.method
    const { deliveryTag, redelivered } = args as { deliveryTag: number; redelivered: boolean }
    const delivered = { tag: deliveryTag, redelivered, payload: Buffer.concat(content.parts) }
    if (name === 'basic.deliver') this.delivered(delivered)
    else if (name === 'basic.get-ok') this.answers.push({ name, args: { delivered } })
  }

  private flush(): void {
    this.send(Buffer.from(this.out.take()))
  }

  protected say<M extends MethodName>(name: M, args: Args<M>, channel = 1): void {
    writeMethod(this.out, channel, name, args)
    this.flush()
  }

  /** The next answer, one of these; null when the broker closes the channel or the connection instead. */
  protected async answer(...names: MethodName[]): Promise<Method['args'] | null> {
    const method = await this.wait(() => this.answers.shift())
    if (names.includes(method.name)) return method.args
    if (method.name !== 'channel.close' && method.name !== 'connection.close') {
      throw new Violation(`${this.name}: ${method.name} instead of ${names.join(', ')}`)
    }
    this.note(`${method.name}: ${String(method.args['replyText'])}`)
    return null
  }

  /** False: refused, and the connection is of no use any more. */
  protected async login(): Promise<boolean> {
    this.send(Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'))
    if ((await this.answer('connection.start')) === null) return false
    const response = Buffer.from('\0guest\0guest')
    this.say('connection.start-ok', { clientProperties: [], mechanism: 'PLAIN', response, locale: 'en_US' }, 0)
    if ((await this.answer('connection.tune')) === null) return false
    this.say('connection.tune-ok', { channelMax: 10, frameMax: frameBytesMax, heartbeat: 0 }, 0)
    this.say('connection.open', { virtualHost: '/', capabilities: '', insist: false }, 0)
    if ((await this.answer('connection.open-ok')) === null) return false
    this.say('channel.open', { outOfBand: '' })
    return (await this.answer('channel.open-ok')) !== null
  }

  protected publish(exchange: string, routingKey: string, payload: Buffer): void {
    writeMethod(this.out, 1, 'basic.publish', { ticket: 0, exchange, routingKey, mandatory: false, immediate: false })
    const scratch = new FrameWriter()
    writeProperties(scratch, persistent)
    writeContentHeader(this.out, 1, payload.length, scratch.take())
    writeBody(this.out, 1, payload, frameBytesMax, (bytes) => this.send(Buffer.from(bytes)))
    this.flush()
  }

  /** basic.get: a message, undefined when there is none; null as with `answer`. */
  protected async get(queue: string): Promise<Delivered | undefined | null> {
    this.say('basic.get', { ticket: 0, queue, noAck: false })
    const args = await this.answer('basic.get-ok', 'basic.get-empty')
    return args === null ? null : (args['delivered'] as Delivered | undefined)
  }

  protected async declare(queue: string, passive: boolean): Promise<boolean> {
    const flags = { passive, durable: true, exclusive: false, autoDelete: false, nowait: false }
    this.say('queue.declare', { ticket: 0, queue, ...flags, arguments: [] })
    return (await this.answer('queue.declare-ok')) !== null
  }
}
