import { createHash } from 'node:crypto'
import type { GetMessage } from 'amqplib'
import { eventually, type SpawnedBroker } from '../../support/index.ts'
import { amqpOf, kafkaOf, mqttOf } from './clients.ts'
import { exchanges, group, queues, retainedFilter, sessionId, topics } from './names.ts'

/** Everything that clients can see, in an order of its own, so that two of these can be compared. */
export interface Content {
  /** By topic and partition: the records, or of many their number and a hash over all. */
  topics: Record<string, unknown[][]>
  offsets: Record<string, string>
  queues: Record<string, unknown[]>
  session: unknown[]
  retained: unknown[]
  /** Names as the HTTP API lists them. */
  listed: { topics: string[]; queues: string[]; subscriptions: string[] }
  /** The bindings still route, and the delayed exchange is one. */
  routed: boolean
}

/** Reads it all; queues and the session are empty afterwards. */
export async function readAll(broker: SpawnedBroker): Promise<Content> {
  return {
    listed: await readListed(broker),
    topics: await readTopics(broker),
    offsets: await readOffsets(broker),
    queues: await readQueues(broker),
    session: await readSession(broker),
    retained: await readRetained(broker),
    routed: await routes(broker),
  }
}

const recordsMax = 50

async function readTopics(broker: SpawnedBroker): Promise<Record<string, unknown[][]>> {
  const kafka = kafkaOf(broker)
  const admin = kafka.admin()
  await admin.connect()
  const content: Record<string, unknown[][]> = {}
  for (const topic of Object.values(topics)) {
    const partitions = await admin.fetchTopicOffsets(topic)
    const all: unknown[][] = partitions.map(() => [])
    const ends = partitions.map(({ high }) => Number(high))
    const reached = partitions.map(({ low }) => Number(low))
    const consumer = kafka.consumer({ groupId: `reader-of-${topic}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ partition, message }) => {
        const { offset, key, value, timestamp, headers = {} } = message
        const texts = Object.entries(headers).map(([name, header]) => [name, String(header)])
        all[partition]!.push([offset, key?.toString() ?? null, value?.toString() ?? null, timestamp, ...texts])
        reached[partition] = Number(offset) + 1
        return Promise.resolve()
      },
    })
    await eventually(() => ends.every((end, i) => reached[i]! >= end), `${topic} is read to ${ends.join()}`, 60_000)
    await consumer.disconnect()
    content[topic] = all.map((records) => (records.length > recordsMax ? hashed(records) : records))
  }
  await admin.disconnect()
  return content
}

const hashed = (records: readonly unknown[]): unknown[] => [
  `${records.length} records`,
  createHash('sha256').update(JSON.stringify(records)).digest('hex'),
]

async function readOffsets(broker: SpawnedBroker): Promise<Record<string, string>> {
  const admin = kafkaOf(broker).admin()
  await admin.connect()
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topics.orders] })
  await admin.disconnect()
  const { partitions } = found!
  return Object.fromEntries(partitions.map(({ partition, offset }) => [`${topics.orders}/${partition}`, offset]))
}

interface Death {
  queue: string
  reason: string
  count: number
  exchange: string
  'routing-keys': string[]
}

interface Shown {
  headers?: Record<string, unknown>
  priority?: number
  contentType?: string
  messageId?: string
  timestamp?: unknown
}

/** Without the times of deaths, which are when the folder was opened. */
function shown({ content, fields, properties }: GetMessage): unknown {
  const { headers = {}, priority, contentType, messageId, timestamp } = properties as unknown as Shown
  const deaths = (headers['x-death'] as Death[] | undefined)?.map(({ queue, reason, count, exchange, ...more }) => {
    return { queue, reason, count, exchange, keys: more['routing-keys'] }
  })
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('x-'))
  const facts = { priority, contentType, messageId, timestamp: Number(timestamp) }
  return { body: shortened(content.toString()), redelivered: fields.redelivered, headers: own, ...facts, deaths }
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 50)} ${text.length}` : text)

async function readQueues(broker: SpawnedBroker): Promise<Record<string, unknown[]>> {
  const connection = await amqpOf(broker)
  const channel = await connection.createChannel()
  const content: Record<string, unknown[]> = {}
  // What expires goes to `dead`, and what was delayed comes to `later`, soon after the start.
  const counts = async (queue: string): Promise<number> => (await channel.checkQueue(queue)).messageCount
  await eventually(async () => (await counts(queues.expiring)) === 0, `${queues.expiring} has expired`)
  await eventually(async () => (await counts(queues.later)) === 3, `${queues.later} has what was delayed`)
  for (const queue of Object.values(queues)) {
    const messages: unknown[] = (content[queue] = [])
    for (;;) {
      const message = await channel.get(queue, { noAck: true })
      if (message === false) break
      messages.push(shown(message))
    }
  }
  await connection.close()
  // JSON knows no undefined.
  return JSON.parse(JSON.stringify(content)) as Record<string, unknown[]>
}

async function readSession(broker: SpawnedBroker): Promise<unknown[]> {
  const messages: unknown[] = []
  const { connect } = await import('mqtt')
  const client = connect(`mqtt://${broker.address('mqtt')}`, {
    protocolVersion: 5,
    clientId: sessionId,
    clean: false,
    reconnectPeriod: 0,
    properties: { sessionExpiryInterval: 0xffffffff },
  })
  client.on('message', (topic, body, { qos, properties }) => {
    const { userProperties, contentType } = properties ?? {}
    messages.push([topic, body.toString(), qos, contentType, { ...userProperties }])
  })
  await eventually(() => messages.length >= 10, 'the session has its messages')
  await client.endAsync()
  return messages
}

async function readRetained(broker: SpawnedBroker): Promise<unknown[]> {
  const client = await mqttOf(broker)
  const messages: unknown[] = []
  client.on('message', (topic, body, { retain }) => messages.push([topic, body.toString(), retain]))
  await client.subscribeAsync(retainedFilter, { qos: 1 })
  // One published now comes after all that is retained.
  await client.publishAsync(retainedFilter.replace('#', 'end'), 'end', { qos: 1 })
  await eventually(() => messages.some((message) => (message as string[])[1] === 'end'), 'retained messages came')
  await client.endAsync()
  return messages.filter((message) => (message as string[])[1] !== 'end').sort()
}

async function readListed(broker: SpawnedBroker): Promise<Content['listed']> {
  const names = async (what: string): Promise<string[]> => {
    const response = await fetch(`http://${broker.address('http')}/api/${what}`)
    const items = (await response.json()) as { name: string; log?: string }[]
    return items.map(({ name, log }) => (log === undefined ? name : `${log} ${name}`)).sort()
  }
  return { topics: await names('topics'), queues: await names('queues'), subscriptions: await names('subscriptions') }
}

/** Also of what was routed while nobody looked: the bindings are there, not only the queues. */
async function routes(broker: SpawnedBroker): Promise<boolean> {
  const connection = await amqpOf(broker)
  const channel = await connection.createConfirmChannel()
  channel.publish(exchanges.topic, 'corpus.new.routed', Buffer.from('routed'), { persistent: true })
  channel.publish(exchanges.delayed, 'later', Buffer.from('delayed'), { persistent: true, headers: { 'x-delay': 1 } })
  await channel.waitForConfirms()
  for (const [queue, body] of [
    [queues.routed, 'routed'],
    [queues.later, 'delayed'],
  ] as const) {
    const message = await eventually(() => channel.get(queue, { noAck: true }), `${queue} gets what is published now`)
    if (message.content.toString() !== body) return false
  }
  await connection.close()
  return true
}
