/**
 * The machine's clock is set back an hour and leaps a day ahead, while the broker runs and while it does not. What it
 * was told to wait for takes as long as it was told, nobody is disconnected, and nothing is lost.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import amqp from 'amqplib'
import { connect, connectAsync } from 'mqtt'
import { eventually, noCompiler, spawnTestBroker, temporaryFolder, type SpawnedBroker } from '../support/index.ts'
import { cpuMs } from '../overload/process-facts.ts'
import { kafkaOf } from './content/clients.ts'
import { SetClock } from './set-clock.ts'

const skip = noCompiler()

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const shortMs = 3000
/** What a busy machine may be late. */
const lateMs = 15_000
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const queues = { expiring: 'clock.expiring', dead: 'clock.dead', later: 'clock.later', kept: 'clock.kept' }

interface Amqp {
  publishExpiring(body: string, ms: number): void
  publishDelayed(body: string, ms: number): void
  channel: amqp.ConfirmChannel
  count(queue: string): Promise<number>
  close(): Promise<void>
  closed(): boolean
}

async function amqpOn(broker: SpawnedBroker): Promise<Amqp> {
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}?heartbeat=2`)
  let closed = false
  connection.on('error', () => undefined)
  connection.on('close', () => (closed = true))
  const channel = await connection.createConfirmChannel()
  for (const queue of [queues.dead, queues.later, queues.kept]) await channel.assertQueue(queue)
  const deadLetter = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': queues.dead }
  await channel.assertQueue(queues.expiring, { arguments: deadLetter })
  const delayed = { arguments: { 'x-delayed-type': 'direct' } }
  await channel.assertExchange('clock.delayed', 'x-delayed-message', delayed)
  await channel.bindQueue(queues.later, 'clock.delayed', 'later')
  return {
    channel,
    publishExpiring: (body, ms) =>
      void channel.sendToQueue(queues.expiring, Buffer.from(body), { persistent: true, expiration: String(ms) }),
    publishDelayed: (body, ms) =>
      void channel.publish('clock.delayed', 'later', Buffer.from(body), {
        persistent: true,
        headers: { 'x-delay': ms },
      }),
    count: async (queue) => (await channel.checkQueue(queue)).messageCount,
    close: () => connection.close(),
    closed: () => closed,
  }
}

/** How long it takes until a queue has so many messages. */
async function untilThere(client: Amqp, queue: string, count: number): Promise<number> {
  const began = performance.now()
  await eventually(async () => (await client.count(queue)) >= count, `${count} messages in ${queue}`, lateMs + shortMs)
  return performance.now() - began
}

/** Kafka, produced to and consumed in a group, all the time. */
async function kafkaOn(t: TestContext, broker: SpawnedBroker) {
  const kafka = kafkaOf(broker)
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = [{ name: 'retention.ms', value: String(hourMs) }]
  await admin.createTopics({ topics: [{ topic: 'clock.topic', configEntries }] })
  const producer = kafka.producer()
  await producer.connect()
  const consumer = kafka.consumer({ groupId: 'clock', sessionTimeout: 6000, heartbeatInterval: 300 })
  let joins = 0
  consumer.on('consumer.group_join', () => joins++)
  await consumer.connect()
  await consumer.subscribe({ topic: 'clock.topic', fromBeginning: true })
  let seen = 0
  await consumer.run({
    eachMessage: () => {
      seen++
      return Promise.resolve()
    },
  })
  const state = { over: false, sent: 0 }
  const running = (async () => {
    for (; !state.over; state.sent++) {
      await producer.send({ topic: 'clock.topic', messages: [{ value: String(state.sent) }] })
      await sleep(50)
    }
  })()
  const stop = async (): Promise<void> => {
    if (state.over) return
    state.over = true
    await running
  }
  t.after(async () => {
    await stop()
    await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
  })
  const low = async (): Promise<string> => (await admin.fetchTopicOffsets('clock.topic'))[0]!.low
  return { stop, low, sent: () => state.sent, seen: () => seen, joins: () => joins }
}

test('a clock that jumps while the broker runs', { skip, timeout: 120_000 }, async (t) => {
  const clock = new SetClock(temporaryFolder(t))
  const broker = await spawnTestBroker(t, { env: clock.env })
  const client = await amqpOn(broker)
  const kafka = await kafkaOn(t, broker)
  const mqtt = await connectAsync(`mqtt://${broker.address('mqtt')}`, {
    ...{ clientId: 'clock', clean: false, protocolVersion: 5, keepalive: 2, reconnectPeriod: 0 },
    properties: { sessionExpiryInterval: 60 },
  })
  let mqttClosed = 0
  mqtt.on('close', () => mqttClosed++)
  await mqtt.subscribeAsync('clock/#', { qos: 1 })
  await eventually(() => kafka.seen() > 0, 'the group consumes', lateMs)
  const joins = kafka.joins()

  // An hour back: what is due in three seconds is not due in an hour and three seconds.
  client.publishExpiring('expires', shortMs)
  client.publishDelayed('delayed', shortMs)
  await client.channel.waitForConfirms()
  clock.set(-hourMs)
  const took = await Promise.all([untilThere(client, queues.dead, 1), untilThere(client, queues.later, 1)])
  const consumed = kafka.seen()
  await eventually(() => kafka.seen() > consumed + 3, 'the group goes on', lateMs)

  // A day ahead: what is due in a minute is not due, and what is to be kept for an hour is kept.
  client.publishExpiring('not yet', 60_000)
  client.publishDelayed('not yet', 60_000)
  await client.channel.waitForConfirms()
  clock.set(dayMs)
  // Retention is looked at every five seconds, so by then it has been.
  await sleep(6000)
  assert.deepEqual([await client.count(queues.expiring), await client.count(queues.dead)], [1, 1])
  assert.equal(await client.count(queues.later), 1)
  assert.equal(await kafka.low(), '0', 'nothing is older than an hour')
  await kafka.stop()
  await eventually(() => kafka.seen() >= kafka.sent(), 'the group has everything', lateMs)
  assert.deepEqual([client.closed(), mqttClosed, kafka.joins()], [false, 0, joins], 'nobody was disconnected')

  // A session that is away has its minute, and its messages have theirs.
  await mqtt.endAsync()
  const publisher = await connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5 })
  await publisher.publishAsync('clock/x', 'for later', { qos: 1, properties: { messageExpiryInterval: 60 } })
  await publisher.endAsync()
  clock.set(0)
  const pid = broker.process.child.pid!
  const before = cpuMs(pid)
  await sleep(1000)
  const busyMs = cpuMs(pid) - before
  assert.ok(busyMs < 700, `${busyMs} ms of a second: it is busy with itself`)
  const came: string[] = []
  const again = connect(`mqtt://${broker.address('mqtt')}`, {
    ...{ clientId: 'clock', clean: false, protocolVersion: 5, reconnectPeriod: 0 },
  })
  again.on('message', (_topic, body) => came.push(body.toString()))
  await eventually(() => came.includes('for later'), 'the message of the session', lateMs)
  await again.endAsync()
  await client.close()
  const { code, stderr } = await broker.process.stop('SIGTERM')
  assert.equal(code, 0, stderr)
  t.diagnostic(
    `clock: ${shortMs} ms to live and of delay took ${took.map((ms) => ms.toFixed(0)).join(' and ')} ms after it was set ` +
      `back an hour; a day ahead nothing was early; ${kafka.sent()} messages produced meanwhile, all consumed`,
  )
})

test('a clock that was set while the broker did not run', { skip, timeout: 120_000 }, async (t) => {
  const clock = new SetClock(temporaryFolder(t))
  const data = temporaryFolder(t)
  const first = await spawnTestBroker(t, { data, env: clock.env })
  const client = await amqpOn(first)
  client.publishExpiring('expires', shortMs)
  client.publishDelayed('delayed', shortMs)
  client.channel.sendToQueue(queues.kept, Buffer.from('kept'), { persistent: true })
  await client.channel.waitForConfirms()
  await client.close()
  assert.equal((await first.process.stop('SIGTERM')).code, 0)

  clock.set(-hourMs)
  const second = await spawnTestBroker(t, { data, env: clock.env })
  const later = await amqpOn(second)
  const took = await Promise.all([untilThere(later, queues.dead, 1), untilThere(later, queues.later, 1)])
  later.publishExpiring('a day', dayMs / 2)
  later.publishDelayed('a day', dayMs / 2)
  await later.channel.waitForConfirms()
  await later.close()
  assert.equal((await second.process.stop('SIGTERM')).code, 0)

  clock.set(dayMs)
  const third = await spawnTestBroker(t, { data, env: clock.env })
  const last = await amqpOn(third)
  await Promise.all([untilThere(last, queues.dead, 2), untilThere(last, queues.later, 2)])
  assert.equal(await last.count(queues.kept), 1)
  await last.close()
  assert.equal((await third.process.stop('SIGTERM')).code, 0)
  t.diagnostic(
    `clock set back an hour between runs: what was due took ${took.map((ms) => ms.toFixed(0)).join(' and ')} ms`,
  )
})
