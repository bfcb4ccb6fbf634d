/**
 * What AMQP costs without sockets and without a disk, when publishes and acknowledgements come one by one, as from the
 * usual clients. One process; read the ratios. `node bench/micro/amqp.ts [part of a name]`
 */
import { openBroker } from '../../src/core/index.ts'
import { openStore } from '../../src/log/index.ts'
import { amqp091 } from '../../src/protocols/amqp091/index.ts'
import { FrameCutter, FrameWriter, readDeliveryTag, writeMethod } from '../../src/protocols/amqp091/wire/index.ts'
import { frameBody, idOf, writeBody, writeContentHeader } from '../../src/protocols/amqp091/wire/index.ts'
import type { Args, MethodName } from '../../src/protocols/amqp091/wire/index.ts'
import type { ProtocolContext, Session } from '../../src/server/index.ts'
import { systemClock, systemRandom, systemTimers } from '../../src/world/node/index.ts'
import { StandIn } from './stand-in.ts'

const world = { clock: systemClock, timers: systemTimers, random: systemRandom }
const wanted = process.argv[2] ?? ''
const rounds = 3
const count = 50_000
const inFlight = 100

const writer = new FrameWriter()
const taken = (): Buffer => Buffer.from(writer.take())
const method = <M extends MethodName>(channel: number, name: M, args: Args<M>): Buffer => {
  writeMethod(writer, channel, name, args)
  return taken()
}
/** Delivery mode 2. */
const persistent = Buffer.from([0x10, 0, 2])
const frameBytesMax = 131_072

function publishOf(queue: string): Buffer {
  writeMethod(writer, 1, 'basic.publish', {
    ticket: 0,
    exchange: '',
    routingKey: queue,
    mandatory: false,
    immediate: false,
  })
  const body = Buffer.alloc(100, 'x')
  writeContentHeader(writer, 1, body.length, persistent)
  writeBody(writer, 1, body, frameBytesMax, () => undefined)
  return taken()
}

class Client extends StandIn {
  delivered = 0
  private tag = 0
  protected readonly session: Session
  private readonly cutter = new FrameCutter(frameBytesMax)

  constructor(context: ProtocolContext) {
    super()
    this.session = amqp091.open(this, context)
    this.send(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
    this.send(
      method(0, 'connection.start-ok', {
        clientProperties: [],
        mechanism: 'PLAIN',
        response: Buffer.from('\0guest\0guest'),
        locale: 'en_US',
      }),
    )
    this.send(method(0, 'connection.tune-ok', { channelMax: 10, frameMax: frameBytesMax, heartbeat: 0 }))
    this.send(method(0, 'connection.open', { virtualHost: '/', capabilities: '', insist: false }))
    this.send(method(1, 'channel.open', { outOfBand: '' }))
  }

  write(bytes: Uint8Array): boolean {
    this.cutter.push(Buffer.from(bytes), (type, _channel, buffer, start, end) => {
      if (type === frameBody) this.acknowledge()
      else if (type === 1 && end - start > 16 && buffer.readUInt32BE(start) === deliver) {
        const tagAt = start + 5 + buffer[start + 4]!
        this.tag = readDeliveryTag(buffer, tagAt, end)
      }
    })
    return true
  }

  private acknowledge(): void {
    const { tag } = this
    this.delivered++
    setImmediate(() => this.send(method(1, 'basic.ack', { deliveryTag: tag, multiple: false })))
  }
}

const deliver = idOf('basic.deliver')
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function load(what: string, producers: number, consumers: number): Promise<void> {
  if (!what.includes(wanted)) return
  const broker = await openBroker({ ...world, openStore: (machine) => openStore({ world, memory: true, machine }) })
  const context = {
    ...world,
    broker,
    config: { user: 'guest', password: 'guest', product: 'RabbitMQ', version: '3.13.7' },
    log: { debug() {}, info() {}, warn: console.error, error: console.error },
    advertised: { host: '', port: 0 },
    metrics: { messagesIn: 0, messagesOut: 0 },
  } as unknown as ProtocolContext
  const clients = Array.from({ length: producers + consumers }, () => new Client(context))
  for (let i = 0; i < 20; i++) await turn()
  const facts = { ticket: 0, passive: false, durable: true, exclusive: false, autoDelete: false, nowait: false }
  clients[0]!.send(method(1, 'queue.declare', { ...facts, queue: 'q', arguments: [] }))
  for (let i = 0; i < 20; i++) await turn()
  const from = clients.slice(0, producers)
  const to = clients.slice(producers)
  for (const client of from) client.send(method(1, 'confirm.select', { nowait: false }))
  for (const client of to) {
    client.send(method(1, 'basic.qos', { prefetchSize: 0, prefetchCount: 500, global: false }))
    client.send(
      method(1, 'basic.consume', {
        ticket: 0,
        queue: 'q',
        consumerTag: '',
        noLocal: false,
        noAck: false,
        exclusive: false,
        nowait: false,
        arguments: [],
      }),
    )
  }
  for (let i = 0; i < 20; i++) await turn()
  const publish = publishOf('q')
  const delivered = (): number => to.reduce((sum, client) => sum + client.delivered, 0)
  let best = Infinity
  for (let round = 0; round <= rounds; round++) {
    const start = process.cpuUsage()
    for (let sent = 0; sent < count; sent += inFlight) {
      const goal = delivered() + inFlight
      for (let i = 0; i < inFlight; i++) from[i % producers]!.send(publish)
      for (let turns = 0; turns < 1000 && delivered() < goal; turns++) await turn()
      if (delivered() !== goal) throw new Error('messages are missing')
    }
    const { user, system } = process.cpuUsage(start)
    if (round > 0) best = Math.min(best, ((user + system) * 1000) / count)
  }
  console.log(`${what.padEnd(62)} ${best.toFixed(0).padStart(8)} ns`)
  await broker.shutdown()
}

await load('amqp: 1 to 1, a message in a chunk', 1, 1)
await load('amqp: 4 to 4, a message in a chunk', 4, 4)
