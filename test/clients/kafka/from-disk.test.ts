import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { startTestBroker } from '../../support/index.ts'
import { Inbox, kafkajs } from './support.ts'

const partitions = 6
const rounds = 40
const recordsPerRound = 20
const records = partitions * rounds * recordsPerRound

/** 1 to 9 KiB that nobody could mistake for another record's. */
function valueOf(partition: number, nth: number): Buffer {
  const seed = createHash('sha256').update(`${partition}/${nth}`).digest()
  return Buffer.alloc(1024 + ((partition * 31 + nth * 7) % 8192), seed)
}

test('what is long gone from memory comes back unchanged to several consumers at once, and while more is written', async (t) => {
  const storage = { tailBytes: '1 MiB', cacheBytes: '4 MiB', segmentBytes: '8 MiB' }
  const broker = await startTestBroker(t, { settings: { storage } })
  const kafka = kafkajs(broker.address('kafka'))
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'old', numPartitions: partitions }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const send = async (round: number): Promise<void> => {
    const messages = Array.from({ length: partitions * recordsPerRound }, (_, i) => {
      const partition = i % partitions
      return { partition, value: valueOf(partition, round * recordsPerRound + Math.floor(i / partitions)) }
    })
    await producer.send({ topic: 'old', messages })
  }
  for (let round = 0; round < rounds / 2; round++) await send(round)
  const consumers = await Promise.all(
    ['a', 'b', 'c'].map(async (groupId) => {
      const inbox = new Inbox<number>()
      const consumer = kafka.consumer({ groupId, maxBytesPerPartition: 128 * 1024 })
      await consumer.connect()
      await consumer.subscribe({ topic: 'old', fromBeginning: true })
      const next = new Array<number>(partitions).fill(0)
      await consumer.run({
        eachMessage: ({ partition, message }) => {
          const nth = next[partition]!++
          const same = message.value?.equals(valueOf(partition, nth)) === true && message.offset === String(nth)
          inbox.push(same ? 0 : 1)
          return Promise.resolve()
        },
      })
      return { consumer, inbox }
    }),
  )
  for (let round = rounds / 2; round < rounds; round++) await send(round)
  for (const { consumer, inbox } of consumers) {
    const wrong = (await inbox.take(records, 60_000)).filter((each) => each > 0).length
    assert.equal(wrong, 0)
    await consumer.disconnect()
  }
  await producer.disconnect()
})
