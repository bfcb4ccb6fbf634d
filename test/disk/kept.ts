import { connect } from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync } from 'mqtt'
import type { SpawnedBroker } from '../support/index.ts'

/** The logs that hold what was acknowledged, each with one partition; record n carries the number n. */
export const logs = ['kept', 'kept.amqp', 'kept.mqtt'] as const
export type Log = (typeof logs)[number]

const padding = '.'.repeat(20_000)
const roundRecords = 20
/** Deleted at once, so that segments are mostly dead and merged. */
const noiseBatches = 6
const noiseRecords = 40

const kafkaOf = (broker: SpawnedBroker): Kafka =>
  new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING, retry: { retries: 2 } })

/** Clients of three protocols publish, each to its own log, and all is acknowledged. Returns how many records each holds. */
export async function publishRounds(broker: SpawnedBroker, rounds: number, from = 0): Promise<number> {
  const kafka = kafkaOf(broker)
  const [producer, admin] = [kafka.producer(), kafka.admin()]
  const amqp = await connect(`amqp://${broker.address('amqp')}`)
  const mqtt = await connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5, reconnectPeriod: 0 })
  try {
    await Promise.all([producer.connect(), admin.connect()])
    await admin.createTopics({ topics: [{ topic: 'kept' }, { topic: 'noise' }] })
    await admin.fetchTopicOffsets('noise') // kafkajs deletes records only where it knows the leader already
    const channel = await amqp.createConfirmChannel()
    for (const name of ['kept.amqp', 'kept.mqtt']) await channel.assertQueue(name, { durable: true })
    await channel.bindQueue('kept.mqtt', 'amq.topic', 'kept.mqtt')
    for (let round = 0; round < rounds; round++) {
      const texts = Array.from({ length: roundRecords }, (_, i) => `${from + round * roundRecords + i}${padding}`)
      await producer.send({ topic: 'kept', acks: -1, messages: texts.map((value) => ({ value })) })
      for (const text of texts) channel.sendToQueue('kept.amqp', Buffer.from(text), { persistent: true })
      for (const text of texts) await mqtt.publishAsync('kept/mqtt', text, { qos: 1 })
      await channel.waitForConfirms()
      const noise = Array.from({ length: noiseRecords }, () => ({ value: padding }))
      for (let n = 0; n < noiseBatches; n++) await producer.send({ topic: 'noise', acks: -1, messages: noise })
      await admin.deleteTopicRecords({ topic: 'noise', partitions: [{ partition: 0, offset: '-1' }] })
    }
  } finally {
    await Promise.allSettled([producer.disconnect(), admin.disconnect(), amqp.close(), mqtt.endAsync(true)])
  }
  return from + rounds * roundRecords
}

/** The numbers that clients can read from each log. */
export async function readKept(broker: SpawnedBroker): Promise<Record<Log, Set<number>>> {
  const [kept, amqp, mqtt] = await Promise.all([
    readTopic(broker),
    readQueue(broker, 'kept.amqp'),
    readQueue(broker, 'kept.mqtt'),
  ])
  return { kept, 'kept.amqp': amqp, 'kept.mqtt': mqtt }
}

const quietMs = 5000

/** Until nothing has come for a while: nobody says how many the damage has left. */
async function whileItComes(found: Set<number>): Promise<void> {
  for (let size = -1; size !== found.size || size === 0;) {
    const waited = size === 0
    size = found.size
    await new Promise((resolve) => setTimeout(resolve, quietMs))
    if (waited && found.size === 0) return
  }
}

async function readQueue(broker: SpawnedBroker, queue: string): Promise<Set<number>> {
  const found = new Set<number>()
  const connection = await connect(`amqp://${broker.address('amqp')}`)
  const channel = await connection.createChannel()
  await channel.consume(queue, (message) => void found.add(Number.parseInt(String(message!.content))))
  await whileItComes(found)
  await connection.close()
  return found
}

async function readTopic(broker: SpawnedBroker): Promise<Set<number>> {
  const found = new Set<number>()
  const consumer = kafkaOf(broker).consumer({ groupId: `audit-${process.hrtime.bigint()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'kept', fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message }) => {
      found.add(Number.parseInt(String(message.value)))
      return Promise.resolve()
    },
  })
  await whileItComes(found)
  await consumer.disconnect()
  return found
}
