import kafkajs, { CompressionTypes, type Producer } from 'kafkajs'
import type { SpawnedBroker } from '../../support/index.ts'
import { shortMs } from '../corpus.ts'
import { amqpOf, kafkaOf, mqttOf } from './clients.ts'
import { exchanges, group, queues, retainedFilter, sessionFilter, sessionId, topics } from './names.ts'

const forever = [{ name: 'retention.ms', value: '-1' }]
const fillerBytes = 16_000

/** Makes one of everything that is kept, with real clients. */
export async function fill(broker: SpawnedBroker): Promise<void> {
  await fillKafka(broker)
  await fillMqtt(broker)
  await fillAmqp(broker)
}

async function fillKafka(broker: SpawnedBroker): Promise<void> {
  const kafka = kafkaOf(broker)
  const admin = kafka.admin()
  await admin.connect()
  const topic = (name: string, numPartitions: number) => ({ topic: name, numPartitions, configEntries: forever })
  await admin.createTopics({ topics: [topic(topics.orders, 2), topic(topics.idempotent, 1)] })
  const producer = kafka.producer()
  await producer.connect()
  let n = 0
  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.LZ4]) {
    for (const partition of [0, 1]) {
      const messages = Array.from({ length: 5 }, () => ({
        partition,
        key: n % 4 === 3 ? null : `key-${n % 3}`,
        // A record without a value, too.
        value: n % 7 === 6 ? null : `order ${n++} compressed ${compression}`,
        timestamp: String(1_700_000_000_000 + n++),
        headers: { source: 'corpus', n: String(n) },
      }))
      await producer.send({ topic: topics.orders, compression, messages })
    }
  }
  const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await idempotent.connect()
  for (let i = 0; i < 5; i++)
    await idempotent.send({ topic: topics.idempotent, messages: [{ value: `once ${i}`, timestamp: String(i) }] })
  await idempotent.disconnect()
  const offsets = [
    { partition: 0, offset: '3' },
    { partition: 1, offset: '1' },
  ]
  await admin.setOffsets({ groupId: group, topic: topics.orders, partitions: offsets })
  await admin.disconnect()
  await producer.disconnect()
}

/** Messages of some size, which compress well in the end: so that there are several segments. */
export async function fillSegments(broker: SpawnedBroker, from: number, count: number): Promise<void> {
  const kafka = kafkaOf(broker)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: topics.filler, numPartitions: 1, configEntries: forever }] })
  await admin.disconnect()
  const producer: Producer = kafka.producer()
  await producer.connect()
  for (let n = from; n < from + count; n += 10) {
    const messages = Array.from({ length: 10 }, (_, i) => ({
      value: `filler ${n + i} `.padEnd(fillerBytes, '.'),
      timestamp: String(n + i),
    }))
    await producer.send({ topic: topics.filler, compression: kafkajs.CompressionTypes.None, messages })
  }
  await producer.disconnect()
}

/** Segments of which little is left: what the cleaner writes anew. */
export async function fillSparsely(broker: SpawnedBroker): Promise<void> {
  const connection = await amqpOf(broker)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(queues.sparse, { durable: true })
  for (let n = 0; n < 400; n++)
    channel.sendToQueue(queues.sparse, Buffer.from(`sparse ${n} `.padEnd(fillerBytes, '-')), { persistent: true })
  await channel.waitForConfirms()
  for (let n = 0; n < 400; n++) {
    const message = await channel.get(queues.sparse)
    if (message === false) throw new Error('a message is missing')
    if (n % 50 !== 0) channel.ack(message)
  }
  // amqplib lets the end of the connection overtake what a channel has still to send.
  await channel.close()
  await connection.close()
}

async function fillMqtt(broker: SpawnedBroker): Promise<void> {
  const session = await mqttOf(broker, sessionId)
  await session.subscribeAsync(sessionFilter, { qos: 2 })
  await session.endAsync()
  const publisher = await mqttOf(broker)
  const name = (filter: string, last: string): string => filter.replace('#', last)
  for (const [last, value] of [
    ['replaced', 'first'],
    ['replaced', 'second'],
    ['cleared', 'gone soon'],
    ['kept', 'kept'],
    ['cleared', ''],
  ] as const) {
    await publisher.publishAsync(name(retainedFilter, last), value, { qos: 1, retain: true })
  }
  for (let n = 0; n < 10; n++) {
    await publisher.publishAsync(name(sessionFilter, `topic/${n % 3}`), `queued ${n}`, {
      qos: n % 2 === 0 ? 1 : 2,
      properties: { userProperties: { n: String(n) }, contentType: 'text/plain' },
    })
  }
  await publisher.endAsync()
}

async function fillAmqp(broker: SpawnedBroker): Promise<void> {
  const connection = await amqpOf(broker)
  const channel = await connection.createConfirmChannel()
  const deadLetter = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': queues.dead }
  const declare = (queue: string, args: Record<string, unknown> = {}) =>
    channel.assertQueue(queue, { durable: true, arguments: args })
  for (const queue of [queues.plain, queues.leased, queues.dead, queues.later, queues.routed]) await declare(queue)
  await declare(queues.rejecting, deadLetter)
  await declare(queues.expiring, { ...deadLetter, 'x-message-ttl': shortMs - 1000 })
  await declare(queues.priority, { 'x-max-priority': 5 })
  await channel.assertExchange(exchanges.topic, 'topic', { durable: true })
  await channel.bindQueue(queues.routed, exchanges.topic, 'corpus.*.routed')
  const delayed = { durable: true, arguments: { 'x-delayed-type': 'direct' } }
  await channel.assertExchange(exchanges.delayed, 'x-delayed-message', delayed)
  await channel.bindQueue(queues.later, exchanges.delayed, 'later')
  const send = (exchange: string, key: string, n: number, options: Record<string, unknown> = {}): void => {
    const headers = { n, text: `value ${n}`, ...(options.headers as object | undefined) }
    const more = {
      ...options,
      headers,
      persistent: true,
      contentType: 'text/plain',
      messageId: `m${n}`,
      timestamp: 1000,
    }
    channel.publish(exchange, key, Buffer.from(`${key} ${n}`), more)
  }
  for (let n = 0; n < 20; n++) send('', queues.plain, n)
  for (let n = 0; n < 8; n++) send('', queues.leased, n)
  for (let n = 0; n < 6; n++) send('', queues.rejecting, n)
  for (let n = 0; n < 4; n++) send('', queues.expiring, n)
  for (let n = 0; n < 6; n++) send('', queues.priority, n, { priority: n })
  for (let n = 0; n < 3; n++) send(exchanges.topic, `corpus.${n}.routed`, n)
  for (let n = 0; n < 3; n++) send(exchanges.delayed, 'later', n, { headers: { 'x-delay': shortMs - 1000 - n * 100 } })
  await channel.waitForConfirms()
  // Holes in the middle of a queue, and three rejected ones in another.
  for (let n = 0; n < 12; n++) {
    const message = await channel.get(queues.plain)
    if (message === false) throw new Error('a message is missing')
    if (n % 2 === 0) channel.ack(message)
    else channel.nack(message, false, true)
  }
  for (let n = 0; n < 3; n++) {
    const message = await channel.get(queues.rejecting)
    if (message === false) throw new Error('a message is missing')
    channel.reject(message, false)
  }
  await channel.close()
  await connection.close()
}

/** Takes messages and keeps them: they are leased when the broker ends. */
export async function lease(broker: SpawnedBroker, count: number): Promise<void> {
  const connection = await amqpOf(broker)
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  for (let n = 0; n < count; n++) await channel.get(queues.leased)
}
