import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect } from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync, type MqttClient } from 'mqtt'
import { eventually, spawnTestBroker } from '../support/index.ts'

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0

/** A small file system of its own, gone after the test; null where this user may not mount one. */
function smallDisk(t: TestContext, megabytes: number): string | null {
  const folder = mkdtempSync(path.join(tmpdir(), 'dragoman-'))
  if (!mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder)) {
    rmdirSync(folder)
    return null
  }
  t.after(() => {
    spawnSync('umount', ['-l', folder])
    rmdirSync(folder)
  })
  return folder
}

const attempts = async (publish: () => Promise<unknown>): Promise<unknown> => {
  try {
    await publish()
    return null
  } catch (error) {
    return error
  }
}

/** The reason code of the PUBACK; 0 = taken. */
async function publishCode(client: MqttClient, topic: string, body: Buffer): Promise<number> {
  const error = await attempts(() => client.publishAsync(topic, body, { qos: 1 }))
  return error === null ? 0 : (error as { code: number }).code
}

test('a full disk: each protocol refuses in its own words, acks work, nothing is lost, and space brings service back', async (t) => {
  const disk = smallDisk(t, 640)
  if (disk === null) return t.skip('mount: only root may make a small file system')
  const data = path.join(disk, 'data')
  mkdirSync(data)
  // Hooks run in the order of their making: the clients leave before the broker is killed.
  const leave: (() => Promise<unknown>)[] = []
  t.after(() => Promise.allSettled(leave.map((each) => each())))
  const broker = await spawnTestBroker(t, { data })

  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const admin = kafka.admin()
  const producer = kafka.producer({ retry: { retries: 0 } })
  const consumer = kafka.consumer({ groupId: 'audit', maxWaitTimeInMs: 100 })
  leave.push(
    () => producer.disconnect(),
    () => admin.disconnect(),
    () => consumer.disconnect(),
  )
  const amqp = await connect(`amqp://guest:guest@${broker.address('amqp')}`)
  leave.push(() => amqp.close())
  const channel = await amqp.createConfirmChannel()
  await channel.assertQueue('work', { durable: true })
  const confirmed = (body: string): Promise<unknown> =>
    attempts(
      () =>
        new Promise<void>((resolve, reject) => {
          channel.sendToQueue('work', Buffer.from(body), { persistent: true }, (refused: unknown) => {
            if (refused === null || refused === undefined) resolve()
            else reject(new Error('nacked'))
          })
        }),
    )
  const mqtt = await connectAsync(`mqtt://${broker.address('mqtt')}`, {
    protocolVersion: 5,
    clientId: 'stays',
    clean: false,
    properties: { sessionExpiryInterval: 3600 },
  })
  leave.push(() => mqtt.endAsync(true))
  await mqtt.subscribeAsync('d/#', { qos: 1 })
  for (let i = 0; i < 10; i++) assert.equal(await confirmed(String(i)), null)

  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'filler' }] })
  await producer.connect()
  const body = Buffer.alloc(900_000, 'x')
  const produce = (): Promise<unknown> =>
    attempts(() => producer.send({ topic: 'filler', messages: [{ value: body }] }))

  let taken = 0
  let refusal: unknown = null
  while (refusal === null && taken < 2000) {
    refusal = await produce()
    if (refusal === null) taken++
  }
  t.diagnostic(`${taken} messages of 900 kB fit on 640 MB`)
  assert.match((refusal as Error).message, /Disk error/, 'Kafka: KAFKA_STORAGE_ERROR')
  assert.ok(taken > 100, `only ${taken} were taken`)
  assert.notEqual(await confirmed('refused'), null, 'AMQP nacks')
  assert.equal(await publishCode(mqtt, 'd/1', body), 0x97, 'MQTT: quota exceeded')

  // Who consumes is not held up, and frees the disk.
  let consumed = 0
  await channel.consume('work', (message) => {
    consumed++
    channel.ack(message!)
  })
  await eventually(() => consumed === 10, 'all ten are consumed')
  await eventually(async () => (await channel.checkQueue('work')).messageCount === 0, 'the queue is empty')

  let read = 0
  await consumer.connect()
  await consumer.subscribe({ topic: 'filler', fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      read += batch.messages.length
      await Promise.resolve()
    },
  })
  await eventually(() => read === taken, `every one of ${taken} acknowledged messages is there`)
  await consumer.disconnect()

  await admin.deleteTopics({ topics: ['filler'] })
  await eventually(async () => (await confirmed('back')) === null, 'AMQP takes messages again', 120_000)
  assert.equal(await publishCode(mqtt, 'd/2', Buffer.from('back')), 0)
  assert.equal(await produce(), null)
  assert.equal(broker.process.child.exitCode, null, 'the same process all along')
})
