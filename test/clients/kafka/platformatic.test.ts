import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admin, Consumer, Producer, ProduceAcks, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { startKafka } from './support.ts'

const strings = { clientId: 'test', serializers: stringSerializers, deserializers: stringDeserializers, strict: true }

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
  test(`@platformatic/kafka produces and consumes with ${compression}`, async (t) => {
    const bootstrapBrokers = [await startKafka(t)]
    const producer = new Producer<string, string, string, string>({
      ...strings,
      bootstrapBrokers,
      compression,
      idempotent: true,
      autocreateTopics: true,
    })
    t.after(() => producer.close())
    const headers = { source: 'web' }
    const messages = Array.from({ length: 20 }, (_, i) => ({ topic: 't', key: `k${i}`, value: `v${i}`, headers }))
    await producer.send({ messages, acks: ProduceAcks.ALL })
    const consumer = new Consumer<string, string, string, string>({ ...strings, bootstrapBrokers, groupId: 'g' })
    t.after(() => consumer.close(true))
    const stream = await consumer.consume({ topics: ['t'], mode: 'earliest', autocommit: true, maxWaitTime: 500 })
    const seen: string[] = []
    for await (const message of stream) {
      seen.push(`${message.offset} ${message.key} ${message.value} ${message.headers.get('source')}`)
      if (seen.length === 20) break
    }
    assert.deepEqual(
      seen,
      messages.map((one, i) => `${i} ${one.key} ${one.value} web`),
    )
  })
}

test('@platformatic/kafka administers topics and groups', async (t) => {
  const bootstrapBrokers = [await startKafka(t)]
  const admin = new Admin({ clientId: 'test', bootstrapBrokers })
  t.after(() => admin.close())
  const [created] = await admin.createTopics({ topics: ['made'], partitions: 12, replicas: 1 })
  assert.equal(created?.name, 'made')
  assert.equal(created.partitions, 12)
  const metadata = await admin.metadata({ topics: ['made'] })
  assert.equal(metadata.topics.get('made')?.partitionsCount, 12)
  const consumer = new Consumer({ ...strings, bootstrapBrokers, groupId: 'listed' })
  t.after(() => consumer.close(true))
  const stream = await consumer.consume({ topics: ['made'], mode: 'latest' })
  const groups = await admin.listGroups()
  assert.ok(groups.has('listed'))
  await stream.close()
  await admin.deleteTopics({ topics: ['made'] })
  assert.ok(!(await admin.listTopics()).includes('made'))
})
