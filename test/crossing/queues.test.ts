import assert from 'node:assert/strict'
import { test } from 'node:test'
import amqp from 'amqplib'
import { eventually, startTestBroker } from '../support/index.ts'
import { Inbox, kafkaClient, party } from './parties.ts'

test('a Kafka topic consumed as a queue by AMQP: shared between consumers, and still a topic', async (t) => {
  const broker = await startTestBroker(t)
  const topic = await party('kafka', broker, ['jobs', 'eu'])
  const bodies = Array.from({ length: 100 }, (_, i) => String(i))
  await topic.publish(bodies.map((body) => ({ body })))

  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const shared = new Inbox()
  const shares = [0, 0]
  // Else the first could be done with all of it before the second has begun.
  const begun = Promise.withResolvers<undefined>()
  for (const i of [0, 1]) {
    const channel = await connection.createChannel()
    await channel.prefetch(5)
    await channel.consume('jobs.eu', (message) => {
      shares[i]!++
      shared.push({ body: message!.content.toString() })
      void begun.promise.then(() => channel.ack(message!))
    })
  }
  begun.resolve(undefined)
  const got = (await shared.take(100)).map((m) => Number(m.body)).sort((a, b) => a - b)
  assert.deepEqual(got.map(String), bodies)
  assert.ok(shares[0]! > 0 && shares[1]! > 0, `both take part: ${shares.join(', ')}`)

  const inbox = await topic.listen()
  assert.deepEqual(
    (await inbox.take(100)).map((m) => m.body),
    bodies,
  )
  await connection.close()
  await topic.close()
})

test('an AMQP queue with priorities is a topic with a partition for each', async (t) => {
  const broker = await startTestBroker(t)
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue('urgent', { durable: true, maxPriority: 3 })
  channel.sendToQueue('urgent', Buffer.from('low'), { persistent: true })
  channel.sendToQueue('urgent', Buffer.from('high'), { persistent: true, priority: 3 })
  await channel.waitForConfirms()

  const kafka = kafkaClient(broker)
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets('urgent')
  assert.deepEqual(
    offsets.map(({ partition, low, high }) => [partition, low, high]).sort(),
    [0, 1, 2, 3].map((partition) => [partition, '0', partition % 3 === 0 ? '1' : '0']),
  )
  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 5000 })
  const inbox = new Inbox()
  await consumer.connect()
  await consumer.subscribe({ topic: 'urgent', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      inbox.push({ body: String(message.value), key: String(partition) })
      await Promise.resolve()
    },
  })
  await inbox.take(2)
  // Nobody had used this one: who waits hears of its first.
  channel.sendToQueue('urgent', Buffer.from('middle'), { persistent: true, priority: 2 })
  const read = (await inbox.take(3, 4000)).map(({ body, key }) => `${key} ${body}`)
  assert.deepEqual(read.sort(), ['0 low', '2 middle', '3 high'])
  await consumer.disconnect()
  const committed = await admin.fetchOffsets({ groupId: 'readers', topics: ['urgent'] })
  const found = committed[0]!.partitions.map(({ partition, offset }) => `${partition} ${offset}`)
  assert.deepEqual(found.sort(), ['0 1', '1 -1', '2 1', '3 1'])
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'urgent', messages: [{ value: 'lowest', partition: 1 }] })
  await producer.disconnect()
  await admin.disconnect()

  const queued = new Inbox()
  await channel.consume('urgent', (message) => queued.push({ body: message!.content.toString() }), { noAck: true })
  const bodies = (await queued.take(4)).map(({ body }) => body)
  assert.deepEqual(bodies, ['high', 'middle', 'lowest', 'low'])
  await connection.close()
})

test('an AMQP queue read by Kafka, and filled by it', async (t) => {
  const broker = await startTestBroker(t)
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue('work', { durable: true })
  channel.sendToQueue('work', Buffer.from('one'), { persistent: true, contentType: 'text/plain', headers: { a: 'b' } })
  channel.sendToQueue('work', Buffer.from('two'), { persistent: true })
  await channel.waitForConfirms()

  const kafka = kafkaClient(broker)
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'work', messages: [{ value: 'three' }] })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 200 })
  const inbox = new Inbox()
  await consumer.connect()
  await consumer.subscribe({ topic: 'work', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      inbox.push({
        body: String(message.value),
        headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)])),
      })
      await Promise.resolve()
    },
  })
  const read = await inbox.take(3)
  assert.deepEqual(
    read.map((m) => m.body),
    ['one', 'two', 'three'],
  )
  assert.deepEqual(read[0]!.headers, { 'content-type': 'text/plain', a: 'b' })
  await consumer.disconnect()

  // Reading by offset took nothing: the queue still has all three, for AMQP.
  const queued = new Inbox()
  await channel.consume('work', (message) => {
    queued.push({ body: message!.content.toString() })
    channel.ack(message!)
  })
  assert.deepEqual(
    (await queued.take(3)).map((m) => m.body),
    ['one', 'two', 'three'],
  )
  await connection.close()
})

test("what does not fit in a frame of AMQP is a dead letter, and stands in nobody's way", async (t) => {
  const broker = await startTestBroker(t)
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createChannel()
  await channel.assertQueue('dead')
  await channel.assertQueue('large', {
    durable: true,
    arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' },
  })
  const producer = kafkaClient(broker).producer()
  await producer.connect()
  const headers = { large: 'x'.repeat(200_000) }
  const poison = { value: 'poison', headers }
  const send = (...messages: { value: string }[]) => producer.send({ topic: 'large', messages })
  await send({ value: 'a' }, poison, { value: 'b' }, poison, poison, { value: 'c' })
  const got = new Inbox()
  const { consumerTag } = await channel.consume('large', (message) => {
    got.push({ body: message!.content.toString() })
    channel.ack(message!)
  })
  assert.deepEqual(
    (await got.take(3)).map((m) => m.body),
    ['a', 'b', 'c'],
  )
  const count = async (queue: string): Promise<number> => (await channel.checkQueue(queue)).messageCount
  await eventually(async () => (await count('dead')) === 3, 'three dead letters')
  await channel.cancel(consumerTag)
  await send(poison, { value: 'd' })
  const next = await channel.get('large')
  assert.equal(next === false ? '' : next.content.toString(), 'd')
  assert.equal(await channel.get('dead', { noAck: true }), false)
  assert.equal(await count('dead'), 0)
  await producer.disconnect()
  await connection.close()
})
