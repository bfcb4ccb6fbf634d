import { Admin, Consumer, Producer, ProduceAcks, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import kafkajs, { type Admin as KafkajsAdmin } from 'kafkajs'
import { pause, type Endpoint, type Recording } from './recording.ts'

async function administer(admin: KafkajsAdmin): Promise<void> {
  await admin.connect()
  const configEntries = [{ name: 'retention.ms', value: '3600000' }]
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2, configEntries }, { topic: 'other' }] })
  await admin.listTopics()
  await admin.fetchTopicMetadata({ topics: ['orders'] })
  await admin.describeCluster()
  await admin.createPartitions({ topicPartitions: [{ topic: 'other', count: 3 }] })
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'orders' }]
  await admin.describeConfigs({ resources, includeSynonyms: false })
  await admin.alterConfigs({
    validateOnly: false,
    resources: resources.map((each) => ({ ...each, configEntries: [{ name: 'retention.ms', value: '7200000' }] })),
  })
}

async function viaKafkajs({ host, port }: Endpoint): Promise<void> {
  const kafka = new kafkajs.Kafka({
    clientId: 'capture',
    brokers: [`${host}:${port}`],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await administer(admin)
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const messages = [0, 1, 2].map((n) => ({ key: `k${n}`, value: `value ${n}`, headers: { source: 'web', n: `${n}` } }))
  await producer.send({ topic: 'orders', messages })
  await producer.send({ topic: 'orders', messages, compression: kafkajs.CompressionTypes.GZIP })
  await producer.send({ topic: 'other', messages: [{ key: 'gone', value: null }] })
  const plain = kafka.producer()
  await plain.connect()
  await plain.send({ topic: 'other', messages, acks: 0 })
  const consumer = kafka.consumer({ groupId: 'group', sessionTimeout: 10_000, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: ['orders', 'other'], fromBeginning: true })
  let seen = 0
  await consumer.run({ eachMessage: () => Promise.resolve(seen++).then(() => undefined) })
  while (seen < 6) await pause(20)
  await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: '1', metadata: 'here' }])
  await admin.fetchTopicOffsets('orders')
  await admin.fetchTopicOffsetsByTimestamp('orders', 1_000_000)
  await admin.fetchOffsets({ groupId: 'group', topics: ['orders'] })
  await admin.listGroups()
  await admin.describeGroups(['group'])
  await consumer.disconnect()
  await admin.deleteGroups(['group'])
  await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '-1' }] })
  await admin.deleteTopics({ topics: ['other'] })
  for (const each of [producer, plain, admin]) await each.disconnect()
}

const strings = {
  clientId: 'capture',
  serializers: stringSerializers,
  deserializers: stringDeserializers,
  strict: true,
}

async function platformatic({ host, port }: Endpoint): Promise<void> {
  const bootstrapBrokers = [`${host}:${port}`]
  const admin = new Admin({ clientId: 'capture', bootstrapBrokers })
  await admin.createTopics({ topics: ['made'], partitions: 2, replicas: 1 })
  await admin.metadata({ topics: ['made'] })
  const compressions = ['none', 'snappy', 'lz4', 'zstd'] as const
  for (const compression of compressions) {
    const producer = new Producer<string, string, string, string>({
      ...strings,
      ...{ bootstrapBrokers, compression, idempotent: true, autocreateTopics: true },
    })
    const topic = `made.${compression}`
    const messages = [0, 1].map((n) => ({ topic, key: `k${n}`, value: `value ${n}`, headers: { source: 'web' } }))
    await producer.send({ messages, acks: ProduceAcks.ALL })
    await producer.close()
  }
  const consumer = new Consumer<string, string, string, string>({ ...strings, bootstrapBrokers, groupId: 'group' })
  const topics = compressions.map((compression) => `made.${compression}`)
  const stream = await consumer.consume({ topics, mode: 'earliest', autocommit: true, maxWaitTime: 100 })
  let seen = 0
  for await (const message of stream) if (message.topic !== '' && ++seen === 8) break
  await admin.listGroups()
  await admin.describeGroups({ groups: ['group'] })
  await consumer.close(true)
  await admin.deleteTopics({ topics: ['made'] })
  await admin.listTopics()
  await admin.close()
}

export const recordingsOfKafka: readonly Recording[] = [
  { name: 'kafka-kafkajs', protocol: 'kafka', client: 'kafkajs 2.2.4', drive: viaKafkajs },
  { name: 'kafka-platformatic', protocol: 'kafka', client: '@platformatic/kafka 2.12.1', drive: platformatic },
]
