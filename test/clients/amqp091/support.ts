import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  connect,
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
  type Options,
} from 'amqplib'
import { eventually, startTestBroker } from '../../support/index.ts'

/** What a case works with: connections of its own to the broker of its file, closed after it. */
export class World {
  readonly port: number
  readonly name: string
  private readonly connections: ChannelModel[] = []

  constructor(port: number, name: string) {
    this.port = port
    this.name = name
  }

  async connection(): Promise<ChannelModel> {
    const connection = await connect(`amqp://guest:guest@127.0.0.1:${this.port}`)
    connection.on('error', () => undefined)
    this.connections.push(connection)
    return connection
  }

  async channel(): Promise<Channel> {
    return quiet(await (await this.connection()).createChannel())
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return quiet(await (await this.connection()).createConfirmChannel())
  }

  async close(): Promise<void> {
    // One whose socket was cut never answers.
    const closing = this.connections.map((connection) => connection.close().catch(() => undefined))
    await Promise.race([Promise.all(closing), pause(1000)])
  }
}

/** Errors are told by the promise that failed; as events they would end the process. */
export function quiet<C extends Channel>(channel: C): C {
  channel.on('error', () => undefined)
  return channel
}

/** One broker, and one subtest for each case; names given by `world.name` are the case's own. */
export function cases(title: string, all: Record<string, (world: World, t: TestContext) => Promise<void>>): void {
  test(title, async (t) => {
    const broker = await startTestBroker(t)
    let count = 0
    for (const [name, run] of Object.entries(all)) {
      const world = new World(broker.port('amqp'), `t${++count}`)
      await t.test(name, { timeout: 60_000 }, async (s) => {
        try {
          await run(world, s)
        } finally {
          await world.close()
        }
      })
    }
  })
}

export const text = (message: { content: Buffer } | null | false): string =>
  message === null || message === false ? '' : message.content.toString()

/** A consumer that keeps what it gets. */
export class Inbox {
  readonly messages: ConsumeMessage[] = []
  cancelled = false
  tag = ''

  static async open(channel: Channel, queue: string, options: Options.Consume = {}): Promise<Inbox> {
    const inbox = new Inbox()
    const receive = (message: ConsumeMessage | null): void => {
      if (message === null) inbox.cancelled = true
      else inbox.messages.push(message)
    }
    inbox.tag = (await channel.consume(queue, receive, options)).consumerTag
    return inbox
  }

  get texts(): string[] {
    return this.messages.map(text)
  }

  async take(count: number): Promise<ConsumeMessage[]> {
    await eventually(() => this.messages.length >= count, `${count} messages, got ${this.messages.length}`)
    return this.messages
  }

  /** Nothing more than `count` messages arrives for a while. */
  async stays(count: number, ms = 150): Promise<void> {
    await this.take(count)
    await pause(ms)
    assert.equal(this.messages.length, count, this.texts.join())
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What queue.declare says is in a queue, when it has come to `expected`. */
export async function holds(channel: Channel, queue: string, expected: number): Promise<void> {
  await eventually(async () => (await channel.checkQueue(queue)).messageCount === expected, `${expected} in ${queue}`)
}

/** Reads a queue to its end without consumers. */
export async function drain(channel: Channel, queue: string): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const message = await channel.get(queue, { noAck: true })
    if (message === false) return found
    found.push(text(message))
  }
}
