import assert from 'node:assert/strict'
import { test } from 'node:test'
import amqp from 'amqplib'
import { startTestBroker } from '../support/index.ts'
import { Inbox, kafkaClient, party } from './parties.ts'

test('a Kafka topic consumed as a queue by AMQP: shared between consumers, and still a topic', async (t) => {
  const broker = await startTestBroker(t)
  const topic = await party('kafka', broker, ['jobs', 'eu'])
  const bodies = Array.from({ length: 100 }, (_, i) => String(i))
  await topic.publish(bodies.map((body) => ({ body })))

  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const shared = new Inbox()
  const shares = [0, 0]
  for (const i of [0, 1]) {
    const channel = await connection.createChannel()
    await channel.prefetch(5)
    await channel.consume('jobs.eu', (message) => {
      shares[i]!++
      shared.push({ body: message!.content.toString() })
      channel.ack(message!)
    })
  }
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
