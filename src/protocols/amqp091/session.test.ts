import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader } from '../../base/index.ts'
import { openBroker, openMemoryStore } from '../../core/index.ts'
import type { CloseReason, Logger, Peer, ProtocolContext, Session } from '../../server/index.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { amqp091 } from './index.ts'
import {
  FrameCutter,
  frameMethod,
  FrameWriter,
  nameOf,
  writeBody,
  writeContentHeader,
  writeMethod,
  type Args,
  type MethodName,
} from './wire/index.ts'

const silent = (): void => undefined
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, with: () => log }

/** Connections without sockets to one core, in simulated time. */
async function startWorld(receiverFailed = silent) {
  const time = new SimTime()
  const world = { clock: time, timers: time, random: new SimRandom(7) }
  const journal = { commits: [] }
  const broker = await time.until(
    openBroker({
      ...world,
      receiverFailed,
      openStore: (machine) => openMemoryStore(machine, { ...world, commitMs: 1, journal }),
    }),
  )
  const config = { user: 'guest', password: 'guest', product: 'RabbitMQ', version: '3.13.7' }
  const advertised = { host: '127.0.0.1', port: 1 }
  const metrics = { messagesIn: 0, messagesOut: 0 }
  const context: ProtocolContext = { broker, ...world, log, config, advertised, metrics }
  return { time, broker, context, connect: (heartbeat = 0) => Client.open(time, context, heartbeat) }
}

class Client {
  /** Methods that came, in order. */
  readonly methods: string[] = []
  closedFor: CloseReason | null = null
  maySay = true
  session!: Session
  private readonly time: SimTime
  private readonly out = new FrameWriter()
  private readonly cutter = new FrameCutter(131_072)
  private readonly peer = {
    address: '127.0.0.1:50000',
    local: true,
    buffered: 0,
    room: Infinity,
    mayBeSilent: () => !this.maySay,
    write: (bytes: Uint8Array): boolean => {
      this.cutter.push(Buffer.from(bytes), (type, _channel, buffer, start) => {
        if (type === frameMethod) this.methods.push(nameOf(new Reader(buffer, start).u32())!)
      })
      return true
    },
    // `closed` comes when the client has taken everything: `gone`.
    close: (reason: CloseReason) => void (this.closedFor ??= reason),
    whenTaken: silent,
    pause: silent,
    resume: silent,
    underWay: silent,
    arriving: silent,
    keeps: silent,
  } satisfies Peer

  constructor(time: SimTime) {
    this.time = time
  }

  static async open(time: SimTime, context: ProtocolContext, heartbeat: number): Promise<Client> {
    const client = new Client(time)
    client.session = amqp091.open(client.peer, context)
    const response = Buffer.from('\0guest\0guest')
    client.session.receive(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
    await client.send(0, 'connection.start-ok', {
      clientProperties: [],
      mechanism: 'PLAIN',
      response,
      locale: 'en_US',
    })
    await client.send(0, 'connection.tune-ok', { channelMax: 10, frameMax: 131_072, heartbeat })
    await client.send(0, 'connection.open', { virtualHost: '/', capabilities: '', insist: false })
    await client.send(1, 'channel.open', { outOfBand: '' })
    assert.equal(client.methods.at(-1), 'channel.open-ok')
    return client
  }

  /** What goes in one chunk. */
  write<M extends MethodName>(channel: number, name: M, args: Args<M>): this {
    writeMethod(this.out, channel, name, args)
    return this
  }

  publish(routingKey: string): this {
    this.write(1, 'basic.publish', { ticket: 0, exchange: '', routingKey, mandatory: false, immediate: false })
    writeContentHeader(this.out, 1, 2, Buffer.alloc(2))
    writeBody(this.out, 1, Buffer.from('hi'), 131_072, silent)
    return this
  }

  async flush(): Promise<void> {
    this.session.receive(Buffer.from(this.out.take()))
    await this.time.advance(10)
  }

  send<M extends MethodName>(channel: number, name: M, args: Args<M>): Promise<void> {
    return this.write(channel, name, args).flush()
  }

  declare(queue: string, more: Partial<Args<'queue.declare'>> = {}): this {
    const flags = { passive: false, durable: true, exclusive: false, autoDelete: false, nowait: false }
    return this.write(1, 'queue.declare', { ticket: 0, queue, ...flags, arguments: [], ...more })
  }

  consume(queue: string, consumerTag: string): this {
    const flags = { noLocal: false, noAck: true, exclusive: false, nowait: false }
    return this.write(1, 'basic.consume', { ticket: 0, queue, consumerTag, ...flags, arguments: [] })
  }

  cancel(consumerTag: string): this {
    return this.write(1, 'basic.cancel', { consumerTag, nowait: false })
  }

  gone(): void {
    this.session.closed(this.closedFor ?? 'client')
  }
}

test('two intervals without a word are the end, unless it may be silent', async () => {
  const { time, connect } = await startWorld()
  const [silentOne, held] = [await connect(10), await connect(10)]
  held.maySay = false
  await time.advance(19_000)
  assert.deepEqual([silentOne.closedFor, held.closedFor], [null, null])
  await time.advance(8000)
  assert.deepEqual([silentOne.closedFor, held.closedFor], ['timeout', null])
  held.maySay = true
  await time.advance(30_000)
  assert.equal(held.closedFor, 'timeout')
})

test('who has missed its heartbeats is delivered nothing more, though its socket is still there', async () => {
  const { time, connect } = await startWorld()
  const hung = await connect(10)
  await hung.declare('q').consume('q', 'c').flush()
  await time.advance(27_000)
  assert.equal(hung.closedFor, 'timeout')
  const other = await connect()
  await other.publish('q').flush()
  await other.consume('q', 'c').flush()
  assert.deepEqual(other.methods.slice(-2), ['basic.consume-ok', 'basic.deliver'])
  hung.gone()
})

test('a consumer that is cancelled before it has begun leaves nothing behind', async () => {
  const { broker, connect } = await startWorld()
  const client = await connect()
  await client.declare('q', { durable: false }).write(1, 'confirm.select', { nowait: false }).flush()
  await client.publish('q').consume('q', 'c').cancel('c').flush()
  assert.deepEqual(client.methods.slice(-3), ['basic.ack', 'basic.consume-ok', 'basic.cancel-ok'])
  const { connection } = client.session as unknown as { connection: { consumers: { byId: Map<number, unknown> } } }
  assert.equal(connection.consumers.byId.size, 0)
  const routes = broker.list('route').length
  const replies = 'amq.rabbitmq.reply-to'
  await client.consume(replies, 'r').cancel('r').flush()
  assert.deepEqual(client.methods.slice(-2), ['basic.consume-ok', 'basic.cancel-ok'])
  assert.equal(broker.list('route').length, routes)
  const closing = { replyCode: 200, replyText: '', classId: 0, methodId: 0 }
  await client.consume(replies, 'r').write(1, 'channel.close', closing).flush()
  assert.equal(client.methods.at(-1), 'channel.close-ok')
  assert.equal(broker.list('route').length, routes)
})

test('what could not be said to one client to its end is not said to another', async () => {
  const failures: unknown[] = []
  const { connect, context } = await startWorld(() => void failures.push('failed'))
  const [bad, good] = [await connect(), await connect()]
  await bad.declare('q').consume('q', 'c').flush()
  await good.declare('other').consume('other', 'c').flush()
  const { messagesOut } = context.metrics
  Object.defineProperty(context.metrics, 'messagesOut', {
    get: () => {
      if (failures.length === 0) throw new Error('as the test wants it')
      return messagesOut
    },
    set: silent,
  })
  await good.publish('q').publish('other').flush()
  assert.equal(failures.length, 1)
  assert.deepEqual(good.methods.slice(-2), ['basic.consume-ok', 'basic.deliver'])
})
