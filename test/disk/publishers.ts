import type { TestContext } from 'node:test'
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync, type MqttClient } from 'mqtt'
import { eventually, type SpawnedBroker } from '../support/index.ts'

/** One client that publishes numbered messages, one after the other, and comes back when it is let go. */
export interface Publisher {
  readonly name: string
  /** What was acknowledged, by its text. */
  readonly acked: string[]
  /** What it was told when a publish was not taken, in its protocol's words, and how often. */
  readonly told: Map<string, number>
}

interface Way {
  /** Rejects with what the protocol said. */
  publish(text: string): Promise<unknown>
  leave(): Promise<unknown>
}

const pauseMs = 20
const answerMs = 10_000

export const topic = 'kept'
export const queue = 'kept.queue'

/** Three publishers, one of each protocol; AMQP and MQTT both to a queue bound to their topics. Stopped by `stop`. */
export async function startPublishers(
  t: TestContext,
  broker: SpawnedBroker,
): Promise<{ all: Publisher[]; stop(): Promise<void> }> {
  const amqp = await connect(`amqp://${broker.address('amqp')}`)
  const channel = await amqp.createChannel()
  await channel.assertQueue(queue, { durable: true })
  for (const key of ['kept.amqp', 'kept.mqtt']) await channel.bindQueue(queue, 'amq.topic', key)
  await amqp.close()
  const admin = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const state = { stopped: false }
  const ways: [string, () => Promise<Way>][] = [
    ['kafka', () => kafkaWay(broker)],
    ['amqp', () => amqpWay(broker)],
    ['mqtt', () => mqttWay(broker)],
  ]
  const running = ways.map(([name, come]) => publish(name, come, state))
  const stop = async (): Promise<void> => {
    state.stopped = true
    await Promise.allSettled(running.map(({ over }) => over))
  }
  t.after(stop)
  return { all: running.map(({ publisher }) => publisher), stop }
}

function publish(
  name: string,
  come: () => Promise<Way>,
  state: { stopped: boolean },
): { publisher: Publisher; over: Promise<void> } {
  const publisher: Publisher = { name, acked: [], told: new Map() }
  const tell = (error: unknown): void => {
    const words = error instanceof Error ? error.message : String(error)
    publisher.told.set(words, (publisher.told.get(words) ?? 0) + 1)
  }
  const run = async (): Promise<void> => {
    for (let number = 0; !state.stopped;) {
      let way: Way | null = null
      try {
        way = await inTime(come())
        while (!state.stopped) {
          const text = `${name}-${number++}`
          await inTime(way.publish(text))
          publisher.acked.push(text)
          await new Promise((resolve) => setTimeout(resolve, pauseMs))
        }
      } catch (error) {
        tell(error)
        await new Promise((resolve) => setTimeout(resolve, 100))
      } finally {
        if (way !== null) await inTime(way.leave()).catch(() => undefined)
      }
    }
  }
  return { publisher, over: run() }
}

const inTime = <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${answerMs} ms`)), answerMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** What the messages carry besides their text, so that segments fill. */
const padding = '.'.repeat(20_000)

async function kafkaWay(broker: SpawnedBroker): Promise<Way> {
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const producer = kafka.producer({ retry: { retries: 0 } })
  await producer.connect()
  return {
    publish: (text) => producer.send({ topic, acks: -1, messages: [{ value: text + padding }] }).catch(rethrow),
    leave: () => producer.disconnect(),
  }
}

async function amqpWay(broker: SpawnedBroker): Promise<Way> {
  const connection: ChannelModel = await connect(`amqp://${broker.address('amqp')}`)
  const closed = new Promise<never>((_, reject) => {
    connection.on('error', (error: Error) => reject(error))
    connection.on('close', (error?: Error) => reject(error ?? new Error('closed')))
  })
  closed.catch(() => undefined)
  const channel: ConfirmChannel = await Promise.race([connection.createConfirmChannel(), closed])
  channel.on('error', () => undefined)
  const send = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      channel.publish(
        'amq.topic',
        'kept.amqp',
        Buffer.from(text + padding),
        { persistent: true },
        (refused: unknown) => {
          if (refused === null || refused === undefined) resolve()
          else reject(new Error('nack'))
        },
      )
    })
  return {
    // A connection that is closed answers with an error of the library: the broker's words are in `closed`.
    publish: (text) =>
      Promise.race([send(text), closed]).catch((error: unknown) =>
        Promise.race([closed, pause(50).then(() => rethrow(error))]),
      ),
    leave: () => connection.close(),
  }
}

/** Errors of the libraries carry more than their words. */
const rethrow = (error: unknown): never => {
  throw new Error((error as Error).message)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function mqttWay(broker: SpawnedBroker): Promise<Way> {
  const client: MqttClient = await connectAsync(`mqtt://${broker.address('mqtt')}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    connectTimeout: 5000,
  })
  const closed = new Promise<never>((_, reject) => {
    client.on('disconnect', ({ reasonCode }) => reject(new Error(`DISCONNECT 0x${(reasonCode ?? 0).toString(16)}`)))
    client.on('close', () => reject(new Error('closed')))
    client.on('error', (error) => reject(error))
  })
  closed.catch(() => undefined)
  const send = (text: string): Promise<unknown> =>
    client.publishAsync('kept/mqtt', text + padding, { qos: 1 }).catch((error: unknown) => {
      const { code, message } = error as { code?: number; message: string }
      throw new Error(typeof code === 'number' ? `PUBACK 0x${code.toString(16)}` : message)
    })
  return { publish: (text) => Promise.race([send(text), closed]), leave: () => client.endAsync(true) }
}

const textOf = (body: Buffer | null): string => String(body).replace(/\.+$/, '')

/** All that is there: of the queue, without taking it, and of the topic. */
export async function readEverything(broker: SpawnedBroker): Promise<Set<string>> {
  const found = new Set<string>()
  const connection = await connect(`amqp://${broker.address('amqp')}`)
  const channel = await connection.createChannel()
  const { messageCount } = await channel.checkQueue(queue)
  let got = 0
  await channel.consume(queue, (message) => {
    got++
    found.add(textOf(message!.content))
  })
  await eventually(() => got >= messageCount, `${messageCount} messages of the queue`, 60_000)
  await connection.close()

  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const [end] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const consumer = kafka.consumer({ groupId: `audit-${process.pid}-${found.size}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let last = -1
  await consumer.run({
    eachMessage: ({ message }) => {
      found.add(textOf(message.value))
      last = Number(message.offset)
      return Promise.resolve()
    },
  })
  await eventually(() => last + 1 >= Number(end!.high), `the topic up to ${end!.high}`, 60_000)
  await consumer.disconnect()
  return found
}
