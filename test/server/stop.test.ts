import assert from 'node:assert/strict'
import { test } from 'node:test'
import amqplib from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync } from 'mqtt'
import { spawnTestBroker, type SpawnedBroker } from '../support/index.ts'

/** Publishes numbers one after the other, in a few lanes, until the broker goes; gives what was acknowledged. */
async function untilGone(send: (text: string) => Promise<unknown>, gone: () => boolean): Promise<Set<string>> {
  const acked = new Set<string>()
  let next = 0
  const lane = async (): Promise<void> => {
    while (!gone()) {
      const text = String(next++)
      try {
        await send(text)
        acked.add(text)
      } catch {
        return
      }
    }
  }
  await Promise.all(Array.from({ length: 20 }, lane))
  return acked
}

const withTimeout = <T>(work: Promise<T>): Promise<T> =>
  Promise.race([
    work,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer')), 3000).unref()),
  ])

const kafkaOf = (broker: SpawnedBroker): Kafka =>
  new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING, retry: { retries: 0 } })

async function load(broker: SpawnedBroker, gone: () => boolean) {
  const producer = kafkaOf(broker).producer({ retry: { retries: 0 } })
  await producer.connect()
  const amqp = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`, { noDelay: true })
  amqp.on('error', () => undefined)
  const channel = await amqp.createConfirmChannel()
  channel.on('error', () => undefined)
  await channel.assertQueue('stopping', { durable: true })
  const mqtt = await connectAsync(`mqtt://${broker.address('mqtt')}`, { reconnectPeriod: 0 })
  mqtt.on('error', () => undefined)
  const keeper = await connectAsync(`mqtt://${broker.address('mqtt')}`, { clientId: 'keeper', clean: false })
  await keeper.subscribeAsync('stopping', { qos: 1 })
  await keeper.endAsync()
  const confirmed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      channel.sendToQueue('stopping', Buffer.from(text), { persistent: true }, (error: unknown) => {
        if (error === null || error === undefined) resolve()
        else reject(error instanceof Error ? error : new Error('nack'))
      })
    })
  const acked = await Promise.all([
    untilGone((value) => withTimeout(producer.send({ topic: 'stopped', messages: [{ value }] })), gone),
    untilGone((text) => withTimeout(confirmed(text)), gone),
    untilGone((text) => withTimeout(mqtt.publishAsync('stopping', text, { qos: 1 })), gone),
  ])
  await Promise.allSettled([producer.disconnect(), amqp.close(), mqtt.endAsync(true)])
  return { kafka: acked[0], amqp: acked[1], mqtt: acked[2] }
}

async function storedInKafka(broker: SpawnedBroker, count: number): Promise<Set<string>> {
  const consumer = kafkaOf(broker).consumer({ groupId: 'after' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'stopped', fromBeginning: true })
  const seen = new Set<string>()
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`only ${seen.size} of ${count} came back`)), 20_000)
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
      seen.add(message.value?.toString() ?? '')
      if (seen.size < count) return
      clearTimeout(late)
      resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return seen
}

async function storedInQueue(broker: SpawnedBroker): Promise<Set<string>> {
  const connection = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`, { noDelay: true })
  const channel = await connection.createChannel()
  const seen = new Set<string>()
  for (let message = await channel.get('stopping'); message !== false; message = await channel.get('stopping')) {
    seen.add(message.content.toString())
    channel.ack(message)
  }
  await connection.close()
  return seen
}

async function storedForSession(broker: SpawnedBroker, count: number): Promise<Set<string>> {
  const seen = new Set<string>()
  const { connect } = await import('mqtt')
  const client = connect(`mqtt://${broker.address('mqtt')}`, { clientId: 'keeper', clean: false })
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`only ${seen.size} of ${count} came back`)), 20_000)
    client.on('message', (_topic, body) => {
      seen.add(body.toString())
      if (seen.size < count) return
      clearTimeout(late)
      resolve()
    })
  })
  await client.endAsync()
  return seen
}

const missing = (acked: Set<string>, stored: Set<string>): string[] => [...acked].filter((text) => !stored.has(text))

test('SIGTERM under load: stopped within 10 s, and nothing acknowledged is lost', { timeout: 120_000 }, async (t) => {
  const broker = await spawnTestBroker(t)
  let gone = false
  const loading = load(broker, () => gone)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const began = Date.now()
  const { code, stderr } = await broker.process.stop('SIGTERM')
  gone = true
  assert.equal(code, 0, stderr)
  assert.ok(Date.now() - began < 10_000)
  const acked = await loading
  for (const [protocol, texts] of Object.entries(acked))
    assert.ok(texts.size > 20, `${protocol}: ${texts.size} acknowledged`)

  const again = await spawnTestBroker(t, { data: broker.data })
  assert.deepEqual(missing(acked.kafka, await storedInKafka(again, acked.kafka.size)), [])
  assert.deepEqual(missing(acked.amqp, await storedInQueue(again)), [])
  assert.deepEqual(missing(acked.mqtt, await storedForSession(again, acked.mqtt.size)), [])
})
