import amqp from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import mqtt from 'mqtt'
import type { Broker } from '../../src/index.ts'

/** A message as a test writes it and reads it back, whatever the protocol; absent = the protocol did not say. */
export interface Message {
  body: string
  key?: string
  headers?: Record<string, string>
  contentType?: string
  correlationId?: string
  /** A queue's name, or an address's levels. */
  replyTo?: { queue: string } | { address: string[] }
  /** ms since 1970. */
  timestamp?: number
}

/** One real client of one protocol, at one address, `levels`. */
export interface Party {
  publish(messages: Message[]): Promise<void>
  /** Begins to listen; resolves when nothing published from now on can be missed. */
  listen(): Promise<Inbox>
  close(): Promise<void>
}

/** What has arrived, in order. */
export class Inbox {
  readonly messages: Message[] = []
  private wake: () => void = () => undefined

  push(message: Message): void {
    this.messages.push(message)
    this.wake()
  }

  /** Waits for `count` messages in all; after `timeoutMs` says what did come. */
  async take(count: number, timeoutMs = 15_000): Promise<Message[]> {
    const deadline = Date.now() + timeoutMs
    while (this.messages.length < count) {
      const leftMs = deadline - Date.now()
      if (leftMs <= 0) throw new Error(`${this.messages.length} of ${count} messages: ${JSON.stringify(this.messages)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.messages.slice(0, count)
  }
}

const drop = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T

export type PartyName = 'kafka' | 'amqp' | 'mqtt'
export const partyNames: readonly PartyName[] = ['kafka', 'amqp', 'mqtt']

/** `pattern` levels for listening may hold `*` (one level) and end in `#` (the rest), where the protocol has wildcards. */
export async function party(name: PartyName, broker: Broker, levels: string[], pattern = levels): Promise<Party> {
  const made = { kafka: kafkaParty, amqp: amqpParty, mqtt: mqttParty }[name]
  return made(broker, levels, pattern)
}

const replyText = (replyTo: Message['replyTo']): string | undefined =>
  replyTo === undefined ? undefined : 'queue' in replyTo ? replyTo.queue : `$address.${replyTo.address.join('.')}`
const parseReply = (text: string | undefined): Message['replyTo'] =>
  text === undefined
    ? undefined
    : text.startsWith('$address.')
      ? { address: text.slice(9).split('.') }
      : { queue: text }

export function kafkaClient(broker: Broker): Kafka {
  return new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING, retry: { retries: 3 } })
}

async function kafkaParty(broker: Broker, levels: string[]): Promise<Party> {
  const kafka = kafkaClient(broker)
  const topic = levels.join('.')
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const closing: (() => Promise<void>)[] = [() => producer.disconnect(), () => admin.disconnect()]
  return {
    async publish(messages) {
      await producer.send({
        topic,
        acks: -1,
        messages: messages.map((m) => ({
          key: m.key ?? null,
          value: m.body,
          ...(m.timestamp === undefined ? {} : { timestamp: String(m.timestamp) }),
          headers: drop({
            ...m.headers,
            'content-type': m.contentType,
            'correlation-id': m.correlationId,
            'reply-to': replyText(m.replyTo),
          }),
        })),
      })
    },
    async listen() {
      const inbox = new Inbox()
      const consumer = kafka.consumer({ groupId: `crossing-${Math.random()}`, maxWaitTimeInMs: 200 })
      closing.unshift(() => consumer.disconnect())
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message }) => {
          const {
            'content-type': contentType,
            'correlation-id': correlationId,
            'reply-to': replyTo,
            ...rest
          } = Object.fromEntries(Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)]))
          inbox.push(
            drop<Message>({
              body: String(message.value),
              key: message.key === null ? undefined : String(message.key),
              headers: rest,
              contentType,
              correlationId,
              replyTo: parseReply(replyTo),
              timestamp: Number(message.timestamp),
            } as Message),
          )
          await Promise.resolve()
        },
      })
      return inbox
    },
    async close() {
      for (const end of closing) await end()
    },
  }
}

async function amqpParty(broker: Broker, levels: string[], pattern: string[]): Promise<Party> {
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createConfirmChannel()
  return {
    async publish(messages) {
      for (const m of messages) {
        channel.publish(
          'amq.topic',
          levels.join('.'),
          Buffer.from(m.body),
          drop({
            contentType: m.contentType,
            correlationId: m.correlationId,
            replyTo: replyText(m.replyTo),
            timestamp: m.timestamp === undefined ? undefined : Math.floor(m.timestamp / 1000),
            headers: drop({ ...m.headers, 'x-key': m.key }),
          }) as amqp.Options.Publish,
        )
      }
      await channel.waitForConfirms()
    },
    async listen() {
      const inbox = new Inbox()
      const { queue } = await channel.assertQueue('', { exclusive: true })
      await channel.bindQueue(queue, 'amq.topic', pattern.join('.'))
      await channel.consume(queue, (message) => {
        if (message === null) return
        const { 'x-key': key, ...headers } = (message.properties.headers ?? {}) as Record<string, string>
        inbox.push(
          drop<Message>({
            body: message.content.toString(),
            key,
            headers,
            contentType: message.properties.contentType as string | undefined,
            correlationId: message.properties.correlationId as string | undefined,
            replyTo: parseReply(message.properties.replyTo as string | undefined),
            timestamp:
              message.properties.timestamp === undefined ? undefined : Number(message.properties.timestamp) * 1000,
          } as Message),
        )
        channel.ack(message)
      })
      return inbox
    },
    close: () => connection.close(),
  }
}

async function mqttParty(broker: Broker, levels: string[], pattern: string[]): Promise<Party> {
  const client = await mqtt.connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5, reconnectPeriod: 0 })
  const topicOf = (replyTo: NonNullable<Message['replyTo']>): string =>
    'queue' in replyTo ? `$log/${replyTo.queue}` : replyTo.address.join('/')
  return {
    async publish(messages) {
      await Promise.all(
        messages.map((m) =>
          client.publishAsync(levels.join('/'), m.body, {
            qos: 1,
            properties: drop({
              contentType: m.contentType,
              correlationData: m.correlationId === undefined ? undefined : Buffer.from(m.correlationId),
              responseTopic: m.replyTo === undefined ? undefined : topicOf(m.replyTo),
              ...userProperties(drop({ ...m.headers, 'x-key': m.key })),
            }) as NonNullable<mqtt.IClientPublishOptions['properties']>,
          }),
        ),
      )
    },
    async listen() {
      const inbox = new Inbox()
      client.on('message', (_topic, payload, packet) => {
        const p = packet.properties
        const { 'x-key': key, ...headers } = (p?.userProperties ?? {}) as Record<string, string>
        const reply = p?.responseTopic
        inbox.push(
          drop<Message>({
            body: payload.toString(),
            key,
            headers,
            contentType: p?.contentType,
            correlationId: p?.correlationData?.toString(),
            replyTo:
              reply === undefined
                ? undefined
                : reply.startsWith('$log/')
                  ? { queue: reply.slice(5) }
                  : { address: reply.split('/') },
          } as Message),
        )
      })
      await client.subscribeAsync(pattern.map((level) => (level === '*' ? '+' : level)).join('/'), { qos: 1 })
      return inbox
    },
    close: () => client.endAsync(),
  }
}

/** MQTT.js announces a wrong length for an empty object, and then waits for ever. */
const userProperties = (pairs: Record<string, string | undefined>): object =>
  Object.keys(pairs).length === 0 ? {} : { userProperties: pairs }
