import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync } from 'mqtt'
import { eventually, spawnTestBroker, type SpawnedBroker } from '../support/index.ts'
import { otherMachine } from './other-machine.ts'
import { vanishing } from './vanishing-names.ts'

const limits = ['loginMs', 'messageMs', 'firstByteMs'].map((name) => `limits.${name}=3s`)
// The default user is let in from this machine only, and another address is not that.
const flags = [...limits, `protocols.amqp.user=${vanishing.user}`].flatMap((set) => ['--set', set])

async function metric(broker: SpawnedBroker, wanted: RegExp): Promise<number> {
  const response = await fetch(`http://${broker.address('http')}/metrics`)
  const values = (await response.text()).split('\n').filter((line) => wanted.test(line))
  assert.notEqual(values.length, 0)
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const connections = (broker: SpawnedBroker, listener: string): Promise<number> =>
  metric(broker, new RegExp(`^dragoman_connections\\{listener="${listener}"`))

test('clients whose machine is gone without a word: what they had goes to others, and nothing of them stays', async (t) => {
  // Hooks run in the order of their making: the clients leave before their network goes.
  const leave: (() => Promise<unknown>)[] = []
  t.after(() => Promise.allSettled(leave.map((each) => each())))
  const other = otherMachine(t)
  if (other === null) return t.skip('ip netns: only root may make a network, where the kernel lets it')
  const broker = await spawnTestBroker(t, { flags, host: other.host })
  const amqp = await connect(`amqp://${vanishing.user}:guest@${broker.address('amqp')}`)
  leave.push(() => amqp.close())
  const channel = await amqp.createConfirmChannel()
  for (const name of [vanishing.queue, vanishing.large]) await channel.assertQueue(name, { durable: true })
  for (let i = 0; i < vanishing.inHand; i++) channel.sendToQueue(vanishing.queue, Buffer.from(String(i)))
  for (let i = 0; i < 200; i++) channel.sendToQueue(vanishing.large, Buffer.alloc(100_000))
  await channel.waitForConfirms()
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: vanishing.topic, numPartitions: 4 }] })
  await admin.disconnect()
  const mqtt = await connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5 })
  leave.push(() => mqtt.endAsync(true))
  const wills: string[] = []
  mqtt.on('message', (_topic, body) => void wills.push(body.toString()))
  await mqtt.subscribeAsync(vanishing.will, { qos: 1 })

  const addresses = ['amqp', 'mqtt', 'kafka'].map((name) => broker.address(name))
  const clients = other.start('test/hostile/vanishing.ts', addresses)
  await clients.waitFor(/ready/, 60_000)
  assert.ok((await connections(broker, 'amqp')) >= 3)
  assert.equal((await channel.checkQueue(vanishing.queue)).messageCount, 0, 'they have all of them')
  await other.vanish()
  const vanishedAt = performance.now()
  const took = (): string => ((performance.now() - vanishedAt) / 1000).toFixed(1)

  const again: boolean[] = []
  await channel.consume(vanishing.queue, (message) => {
    again.push(message!.fields.redelivered)
    channel.ack(message!)
  })
  const said: string[] = []
  const happens = async (what: string, probe: () => boolean | Promise<boolean>): Promise<void> => {
    await eventually(probe, what, 30_000)
    said.push(`${what} after ${took()} s`)
  }
  const consumer = kafka.consumer({ groupId: vanishing.group, sessionTimeout: 6000, maxWaitTimeInMs: 200 })
  await consumer.connect()
  leave.push(() => consumer.disconnect())
  await consumer.subscribe({ topic: vanishing.topic })
  let partitions = 0
  consumer.on('consumer.group_join', ({ payload }) => {
    partitions = payload.memberAssignment[vanishing.topic]?.length ?? 0
  })
  await consumer.run({ eachMessage: () => Promise.resolve() })
  await Promise.all([
    happens('messages in hand are delivered again', () => again.length === vanishing.inHand),
    happens('the will is published', () => wills.length === 1),
    happens('partitions go to another member', () => partitions === 4),
  ])
  assert.ok(again.every(Boolean), 'marked as delivered before')
  await happens('only our connections are left', async () => {
    const [forAmqp, forMqtt, forKafka] = await Promise.all(
      ['amqp', 'mqtt', 'kafka'].map((one) => connections(broker, one)),
    )
    // Kafka has no heartbeat of a connection: who was in the group is out of it, and TCP says the rest minutes later.
    return forAmqp === 1 && forMqtt === 1 && forKafka! <= 4
  })
  // The consumer's fetch waits.
  await happens('no memory is left', async () => (await metric(broker, /^dragoman_client_memory_bytes\{/)) < 1000)
  assert.equal((await channel.checkQueue(vanishing.large)).messageCount, 200)
  assert.equal(await metric(broker, /^dragoman_session_failures_total\{/), 0, broker.process.stderr)
  t.diagnostic(said.join('; '))
})
