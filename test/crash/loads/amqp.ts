import amqp from 'amqplib'
import { Sequence } from '../sequence.ts'
import { sleep, type Counts, type Load, type Ports } from './load.ts'

const windowMax = 100
const perTick = 5
const tickMs = 10
export const ackQueue = 'kill.acks'
/** Its consumer is another program; without one nobody binds it. */
export const txQueue = 'kill.tx'
const exchange = 'kill'
const padding = 'x'.repeat(200)

/**
 * Publishes `number copy padding` with confirms to two queues, and consumes one of them with acknowledgements. amqplib
 * does not reconnect: this does what its users do, and publishes again, in order, what was not confirmed.
 */
export class AmqpLoad implements Load {
  readonly name = 'AMQP, confirms and acknowledgements'
  /** Sent and not confirmed, in order. */
  private readonly unconfirmed = new Set<number>()
  private next = 0
  private copy = 0
  private readonly seen = new Sequence({ name: ackQueue, again: true })
  private stopping = false
  private closed = false
  private url = ''
  private fail: (error: Error) => void = () => undefined
  private readonly open = new Set<amqp.ChannelModel>()
  private readonly queues: readonly string[]

  constructor(queues: readonly string[]) {
    this.queues = queues
  }

  /** How many numbers there are. */
  get sent(): number {
    return this.next
  }

  async start(ports: Ports, fail: (error: Error) => void): Promise<void> {
    this.fail = fail
    this.url = `amqp://guest:guest@127.0.0.1:${ports.amqp}?heartbeat=5`
    const connection = await amqp.connect(this.url)
    const channel = await connection.createChannel()
    await channel.assertExchange(exchange, 'fanout', { durable: true })
    for (const queue of this.queues) {
      await channel.assertQueue(queue, { durable: true })
      await channel.bindQueue(queue, exchange, '')
    }
    await connection.close()
    void this.again((channelOf) => this.publish(channelOf))
    void this.again((channelOf) => this.consume(channelOf))
  }

  /** One connection after the other, until the end. */
  private async again(work: (connection: amqp.ChannelModel) => Promise<void>): Promise<void> {
    while (!this.closed) {
      try {
        const connection = await amqp.connect(this.url)
        connection.on('error', () => undefined)
        this.open.add(connection)
        const broken = new Promise<void>((resolve) => connection.once('close', resolve))
        await Promise.race([work(connection), broken])
        await broken
        this.open.delete(connection)
      } catch {
        // The broker is away.
      }
      await sleep(50)
    }
  }

  private async publish(connection: amqp.ChannelModel): Promise<void> {
    const state = { open: true }
    connection.once('close', () => (state.open = false))
    const channel = await connection.createConfirmChannel()
    channel.on('error', (error: Error) => this.fail(error))
    channel.once('close', () => (state.open = false))
    const send = (n: number): void => {
      const body = Buffer.from(`${n} ${this.copy++} ${padding}`)
      channel.publish(exchange, '', body, { persistent: true }, (error: unknown) => {
        if (error === null || error === undefined) this.unconfirmed.delete(n)
        else if (state.open) setTimeout(() => state.open && this.fail(new Error(`AMQP: ${n} was refused`)), 100)
      })
    }
    for (const n of [...this.unconfirmed]) send(n)
    while (state.open && !this.closed) {
      for (let i = 0; i < perTick && this.unconfirmed.size < windowMax && !this.stopping; i++) {
        this.unconfirmed.add(this.next)
        send(this.next++)
      }
      await sleep(tickMs)
    }
  }

  private async consume(connection: amqp.ChannelModel): Promise<void> {
    const channel = await connection.createChannel()
    channel.on('error', (error: Error) => this.fail(error))
    await channel.prefetch(50)
    let last = -1
    await channel.consume(ackQueue, (message) => {
      if (message === null) return this.fail(new Error('AMQP: the consumer was cancelled'))
      const [n, copy] = message.content.toString().split(' ').map(Number) as [number, number]
      try {
        this.seen.see(n)
        if (copy <= last) throw new Error(`${ackQueue}: copy ${copy} came after ${last}`)
      } catch (error) {
        this.fail(error as Error)
      }
      last = copy
      channel.ack(message)
    })
  }

  async stop(): Promise<void> {
    this.stopping = true
    while (this.unconfirmed.size > 0 || this.seen.next < this.next) await sleep(20)
  }

  counts(): Counts[] {
    const { next, duplicates } = this.seen
    return [{ acked: this.next - this.unconfirmed.size, seen: next, duplicates, confirmed: 0 }]
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.allSettled([...this.open].map((connection) => connection.close()))
  }
}
