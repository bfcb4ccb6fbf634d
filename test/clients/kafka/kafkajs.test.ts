import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import kafkaModule, {
  AssignerProtocol,
  CompressionTypes,
  type Admin,
  type Consumer,
  type EachMessagePayload,
  type Kafka,
  type KafkaJSProtocolError,
} from 'kafkajs'
import { eventually } from '../../support/index.ts'
import { Inbox, kafkajs, startKafka } from './support.ts'

/** Not among the names that a CommonJS package shows to an import. */
const { ConfigResourceTypes } = kafkaModule

interface Got {
  partition: number
  offset: string
  key: string | null
  value: string | null
  headers: Record<string, unknown>
}

const got = ({ partition, message }: EachMessagePayload): Got => ({
  partition,
  offset: message.offset,
  key: message.key?.toString() ?? null,
  value: message.value?.toString() ?? null,
  headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])),
})

async function produce(t: TestContext, kafka: Kafka, topic: string, values: string[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  await producer.send({ topic, messages: values.map((value) => ({ value })) })
}

async function consume(t: TestContext, kafka: Kafka, groupId: string, topic: string): Promise<[Consumer, Inbox<Got>]> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 100, maxWaitTimeInMs: 200 })
  const inbox = new Inbox<Got>()
  await consumer.connect()
  t.after(() => consumer.disconnect())
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: (payload) => Promise.resolve(inbox.push(got(payload))) })
  return [consumer, inbox]
}

test('kafkajs produces and consumes keys, headers, tombstones, in order', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  const producer = kafka.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  const messages = [
    { key: 'a', value: 'one', headers: { h: 'x', bytes: Buffer.from([0x68]) } },
    { key: null, value: 'two' },
    { key: 'a', value: null },
  ]
  const [first] = await producer.send({ topic: 'shop.orders', messages })
  assert.equal(first?.baseOffset, '0')
  const [second] = await producer.send({ topic: 'shop.orders', messages: [{ value: 'four' }] })
  assert.equal(second?.baseOffset, '3')
  const [, inbox] = await consume(t, kafka, 'g', 'shop.orders')
  assert.deepEqual(await inbox.take(4), [
    { partition: 0, offset: '0', key: 'a', value: 'one', headers: { h: 'x', bytes: 'h' } },
    { partition: 0, offset: '1', key: null, value: 'two', headers: {} },
    { partition: 0, offset: '2', key: 'a', value: null, headers: {} },
    { partition: 0, offset: '3', key: null, value: 'four', headers: {} },
  ])
})

test('kafkajs reads what it compressed', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  t.after(() => producer.disconnect())
  const values = Array.from({ length: 200 }, (_, i) => `value ${i}`)
  await producer.send({ topic: 'z', compression: CompressionTypes.GZIP, messages: values.map((value) => ({ value })) })
  const [, inbox] = await consume(t, kafka, 'g', 'z')
  assert.deepEqual(
    (await inbox.take(200)).map((one) => one.value),
    values,
  )
})

/** How many partitions each member has, once the group is stable. */
async function shares(admin: Admin, groupId: string): Promise<number[]> {
  const { groups } = await admin.describeGroups([groupId])
  if (groups[0]?.state !== 'Stable') return []
  return groups[0].members.map((member) => {
    const { assignment } = AssignerProtocol.MemberAssignment.decode(member.memberAssignment) ?? { assignment: {} }
    return Object.values(assignment).flat().length
  })
}

test('a group of two shares twelve partitions, and the one that stays takes over', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  const admin = kafka.admin()
  await admin.connect()
  t.after(() => admin.disconnect())
  await admin.createTopics({ topics: [{ topic: 'twelve', numPartitions: 12 }] })
  const [, firstInbox] = await consume(t, kafka, 'pair', 'twelve')
  const [second, secondInbox] = await consume(t, kafka, 'pair', 'twelve')
  await eventually(async () => (await shares(admin, 'pair')).join() === '6,6', 'two members with six partitions each')
  const producer = kafka.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  const toAll = (name: string) =>
    producer.send({
      topic: 'twelve',
      messages: Array.from({ length: 12 }, (_, partition) => ({ value: `${name}${partition}`, partition })),
    })
  await toAll('p')
  await Promise.all([firstInbox.take(6), secondInbox.take(6)])
  const all = [...firstInbox.items, ...secondInbox.items].map((one) => one.value).sort()
  assert.deepEqual(all, Array.from({ length: 12 }, (_, i) => `p${i}`).sort())
  await second.disconnect()
  await eventually(async () => (await shares(admin, 'pair')).join() === '12', 'one member with all partitions')
  await toAll('q')
  const rest = await firstInbox.take(18)
  assert.equal(rest.filter((one) => one.value?.startsWith('q')).length, 12)
})

test('committed offsets are resumed, also by another member later', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  await produce(t, kafka, 'log', ['0', '1', '2', '3', '4'])
  const consumer = kafka.consumer({ groupId: 'resume', maxWaitTimeInMs: 200 })
  const seen = new Inbox<string>()
  await consumer.connect()
  await consumer.subscribe({ topic: 'log', fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ message }) => Promise.resolve(seen.push(message.value!.toString())),
  })
  await seen.take(5)
  await consumer.commitOffsets([{ topic: 'log', partition: 0, offset: '3', metadata: 'half way' }])
  await consumer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  t.after(() => admin.disconnect())
  const [offsets] = await admin.fetchOffsets({ groupId: 'resume', topics: ['log'] })
  assert.deepEqual(offsets?.partitions, [{ partition: 0, offset: '3', metadata: 'half way' }])
  const [, inbox] = await consume(t, kafka, 'resume', 'log')
  assert.deepEqual(
    (await inbox.take(2)).map((one) => one.value),
    ['3', '4'],
  )
})

test('offsets are found by time', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  const producer = kafka.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  for (const time of [1000, 2000, 3000]) {
    await producer.send({ topic: 'timed', messages: [{ value: String(time), timestamp: String(time) }] })
  }
  const admin = kafka.admin()
  await admin.connect()
  t.after(() => admin.disconnect())
  const at = async (time: number): Promise<string> =>
    (await admin.fetchTopicOffsetsByTimestamp('timed', time))[0]!.offset
  assert.equal(await at(500), '0')
  assert.equal(await at(1001), '1')
  assert.equal(await at(3000), '2')
  const [bounds] = await admin.fetchTopicOffsets('timed')
  assert.deepEqual([bounds?.low, bounds?.high], ['0', '3'])
})

test('topics are created, listed, configured and deleted', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  const admin = kafka.admin()
  await admin.connect()
  t.after(() => admin.disconnect())
  const configEntries = [{ name: 'retention.ms', value: '60000' }]
  assert.equal(await admin.createTopics({ topics: [{ topic: 'made', numPartitions: 3, configEntries }] }), true)
  assert.equal(await admin.createTopics({ topics: [{ topic: 'made' }] }), false)
  const { topics } = await admin.fetchTopicMetadata({ topics: ['made'] })
  assert.equal(topics[0]?.partitions.length, 3)
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: 'made' }],
  })
  const retention = resources[0]?.configEntries.find((one) => one.configName === 'retention.ms')
  assert.equal(retention?.configValue, '60000')
  await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 5 }] })
  assert.equal((await admin.fetchTopicMetadata({ topics: ['made'] })).topics[0]?.partitions.length, 5)
  assert.ok((await admin.listTopics()).includes('made'))
  await admin.deleteTopics({ topics: ['made'] })
  assert.ok(!(await admin.listTopics()).includes('made'))
  await assert.rejects(admin.createTopics({ topics: [{ topic: 'no/slash' }] }))
})

test('a record that is too large is refused, and the next one is taken', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  const producer = kafka.producer({ retry: { retries: 0 } })
  await producer.connect()
  t.after(() => producer.disconnect())
  const large = producer.send({ topic: 'small', messages: [{ value: Buffer.alloc(1_100_000) }] })
  await assert.rejects(large, (error: KafkaJSProtocolError) => error.type === 'MESSAGE_TOO_LARGE')
  await producer.send({ topic: 'small', messages: [{ value: Buffer.alloc(1_000_000) }] })
})

test('without auto-creation an unknown topic is an error', async (t) => {
  const kafka = kafkajs(await startKafka(t, { autoCreateTopics: false }))
  const producer = kafka.producer({ retry: { retries: 0 } })
  await producer.connect()
  t.after(() => producer.disconnect())
  const sent = producer.send({ topic: 'nowhere', messages: [{ value: 'x' }] })
  await assert.rejects(sent, /This server does not host this topic-partition/)
})

test('a long poll answers as soon as there is something', async (t) => {
  const kafka = kafkajs(await startKafka(t))
  await produce(t, kafka, 'quick', ['first'])
  const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 5000 })
  const inbox = new Inbox<Got>()
  await consumer.connect()
  t.after(() => consumer.disconnect())
  await consumer.subscribe({ topic: 'quick', fromBeginning: true })
  await consumer.run({ eachMessage: (payload) => Promise.resolve(inbox.push(got(payload))) })
  await inbox.take(1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  const producer = kafka.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  const sentAt = Date.now()
  await producer.send({ topic: 'quick', messages: [{ value: 'second' }] })
  await inbox.take(2)
  assert.ok(Date.now() - sentAt < 1000, 'kafkajs polls for 5 s; the broker must not wait for its end')
})
