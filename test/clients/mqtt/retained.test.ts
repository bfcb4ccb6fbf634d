import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Broker } from '../../../src/index.ts'
import { startTestBroker } from '../../support/index.ts'
import { connect, quiet, raw, sleep, until, versions } from './support.ts'

/** What the broker holds for clients that do not take it. */
async function unsentBytes(broker: Broker): Promise<number> {
  const response = await fetch(`http://${broker.address('http')}/metrics`)
  const sample = /^dragoman_client_memory_bytes\{use="unsent"\} (\d+)/m.exec(await response.text())
  return Number(sample![1])
}

for (const version of versions) {
  test(`MQTT ${version}: the last retained message greets new subscribers, and an empty one removes it`, async (t) => {
    const broker = await startTestBroker(t)
    const publisher = await connect(t, broker, { protocolVersion: version })
    for (const [topic, text] of [
      ['s/a', 'old'],
      ['s/a', 'new'],
      ['s/b', 'b'],
      ['s/gone', 'x'],
      ['other', 'o'],
      ['s/gone', ''],
    ]) {
      await publisher.mqtt.publishAsync(topic!, text!, { qos: 1, retain: true })
    }
    const subscriber = await connect(t, broker, { protocolVersion: version })
    await subscriber.mqtt.subscribeAsync('s/#', { qos: 1 })
    await subscriber.take(2)
    await quiet(subscriber, 2)
    assert.deepEqual(subscriber.received.map((r) => [r.topic, r.text, r.packet.retain]).sort(), [
      ['s/a', 'new', true],
      ['s/b', 'b', true],
    ])
    // MQTT-3.3.1-12: a live one is not marked
    await publisher.mqtt.publishAsync('s/a', 'live', { qos: 1, retain: true })
    const live = (await subscriber.take(3))[2]!
    assert.deepEqual([live.text, live.packet.retain], ['live', false])
  })
}

test('retained messages come after a restart of the subscriber and before newer live ones', async (t) => {
  const broker = await startTestBroker(t)
  const publisher = await connect(t, broker)
  for (let i = 0; i < 200; i++) publisher.mqtt.publish(`many/${i}`, 'retained', { qos: 0, retain: true })
  await publisher.mqtt.publishAsync('many/last', 'retained', { qos: 1, retain: true })
  const subscriber = await connect(t, broker)
  const subscribing = subscriber.mqtt.subscribeAsync('many/#', { qos: 1 })
  await subscribing
  await publisher.mqtt.publishAsync('many/0', 'live', { qos: 1 })
  const received = await subscriber.take(202)
  assert.equal(
    received.findIndex((r) => r.text === 'live'),
    201,
  )
})

test('retain handling 0, 1 and 2; retain as published (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const publisher = await connect(t, broker)
  await publisher.mqtt.publishAsync('r', 'kept', { qos: 1, retain: true })
  const subscriber = await connect(t, broker)
  await subscriber.mqtt.subscribeAsync('r', { qos: 1, rh: 2 })
  await quiet(subscriber, 0)
  await subscriber.mqtt.subscribeAsync('r', { qos: 1, rh: 1 })
  await quiet(subscriber, 0)
  await subscriber.mqtt.subscribeAsync('r', { qos: 1, rh: 0, rap: true })
  await subscriber.take(1)
  await publisher.mqtt.publishAsync('r', 'next', { qos: 1, retain: true })
  await publisher.mqtt.publishAsync('r', 'plain', { qos: 1 })
  await subscriber.take(3)
  assert.deepEqual(
    subscriber.received.map((r) => [r.text, r.packet.retain]),
    [
      ['kept', true],
      ['next', true],
      ['plain', false],
    ],
  )
  const fresh = await connect(t, broker)
  await fresh.mqtt.subscribeAsync('r', { qos: 1, rh: 1 })
  await fresh.take(1)
})

test('a retained message expires (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const publisher = await connect(t, broker)
  const expiring = { qos: 1, retain: true, properties: { messageExpiryInterval: 1 } } as const
  await publisher.mqtt.publishAsync('brief', 'x', expiring)
  await publisher.mqtt.publishAsync('long', 'y', { ...expiring, properties: { messageExpiryInterval: 100 } })
  const before = await connect(t, broker)
  await before.mqtt.subscribeAsync(['brief', 'long'], { qos: 1 })
  await before.take(2)
  await sleep(1200)
  const after = await connect(t, broker)
  await after.mqtt.subscribeAsync(['brief', 'long'], { qos: 1 })
  await after.take(1)
  await quiet(after, 1)
  const left = Number(after.received[0]!.packet.properties?.messageExpiryInterval)
  assert.ok(left > 90 && left < 100, `${left} s left`)
})

test('a retained message with all its properties comes back with them', async (t) => {
  const broker = await startTestBroker(t)
  const publisher = await connect(t, broker)
  const properties = {
    contentType: 'text/plain',
    responseTopic: 'reply/here',
    correlationData: Buffer.from([1, 0, 255]),
    payloadFormatIndicator: true,
    userProperties: { a: ['1', '2'], b: 'x' },
  }
  await publisher.mqtt.publishAsync('full', 'body', { qos: 1, retain: true, properties })
  const subscriber = await connect(t, broker)
  await subscriber.mqtt.subscribeAsync('full', { qos: 1 })
  const [message] = await subscriber.take(1)
  const got = message!.packet.properties!
  assert.deepEqual({ ...got, userProperties: { ...got.userProperties } }, properties)
})

test('a slow client of very many retained messages costs the broker little, and gets each, newer ones last', async (t) => {
  const broker = await startTestBroker(t)
  const unsent = (): Promise<number> => unsentBytes(broker)
  const publisher = await connect(t, broker)
  const count = 2000
  const body = 'x'.repeat(10_000)
  const topic = (i: number): string => `large/${i}`
  const publish = (i: number, text: string): Promise<unknown> =>
    publisher.mqtt.publishAsync(topic(i), text, { qos: 1, retain: true })
  await Promise.all(Array.from({ length: count }, (_, i) => publish(i, `old ${body}`)))

  const slow = await connect(t, broker, { properties: { receiveMaximum: 10 } })
  const waiting: (() => void)[] = []
  const atOnce = (_packet: unknown, done: (error?: Error) => void): void => done()
  slow.mqtt.handleMessage = (_packet, done) => void waiting.push(done)
  await slow.mqtt.subscribeAsync(['large/+', '#'], { qos: 1 })
  await slow.take(1)
  await sleep(200)
  // 40 MB are promised to it.
  assert.ok((await unsent()) < 2_000_000, `${await unsent()} bytes`)

  // What changes or goes meanwhile was not sent yet, but for some of the first.
  const [changed, removed] = [count - 1, count - 2]
  await publish(changed, 'new')
  await publish(removed, '')
  slow.mqtt.handleMessage = atOnce
  for (const done of waiting.splice(0)) done()
  await until(
    () => ['new', ''].every((last) => slow.received.some(({ text }) => text === last)),
    'the newer one, and the one that removes',
    () => '',
    30_000,
  )
  const of = (i: number): string[] =>
    slow.received.filter((r) => r.topic === topic(i)).map(({ text, packet }) => `${text.slice(0, 3)} ${packet.retain}`)
  // Once for each filter; a live one once for both.
  for (let i = 0; i < count - 2; i++) assert.deepEqual(of(i), ['old true', 'old true'], topic(i))
  assert.deepEqual(of(changed), ['new false'])
  assert.deepEqual(of(removed), [' false'])
  assert.equal(await unsent(), 0)
})

test('a client that subscribes and unsubscribes and takes nothing is promised nothing more', async (t) => {
  const broker = await startTestBroker(t)
  const publisher = await connect(t, broker)
  for (let i = 0; i < 3; i++) await publisher.mqtt.publishAsync(`r/${i}`, 'x', { qos: 1, retain: true })
  const client = await raw(t, broker)
  await client.connect('round and round', { properties: { receiveMaximum: 1 } })
  const subscribe = async (topics: string[]): Promise<void> => {
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) })
    await client.next('suback')
  }
  await subscribe(['r/0', 'r/1'])
  await client.next('publish')
  for (let round = 0; round < 2; round++) {
    const topics = Array.from({ length: 500 }, (_, i) => `r/+/${round}/${i}`)
    await subscribe(topics)
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: topics })
    await client.next('unsuback')
  }
  assert.ok((await unsentBytes(broker)) < 20_000, `${await unsentBytes(broker)} bytes`)
  // The one that waited goes as well, what is subscribed to afterwards comes.
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['r/1'] })
  await client.next('unsuback')
  await subscribe(['r/2'])
  client.send({ cmd: 'puback', messageId: client.seen.find(({ cmd }) => cmd === 'publish')!.messageId })
  assert.equal((await client.next('publish')).topic, 'r/2')
})
