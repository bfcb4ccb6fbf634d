import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestBroker } from '../../support/index.ts'
import { connect, persistent, quiet, raw, sleep, versions } from './support.ts'

const topics = ['a', 'a/b', 'a/b/c', '/a', 'a/', '/', 'a//b', '$x/a', '$x', 'b', 'ä/漢']

const cases: Record<string, string[]> = {
  '#': topics.filter((topic) => !topic.startsWith('$')),
  '+': ['a', 'b'],
  'a/#': ['a', 'a/b', 'a/b/c', 'a/', 'a//b'],
  'a/+': ['a/b', 'a/'],
  '+/+': ['a/b', '/a', 'a/', '/', 'ä/漢'],
  '/+': ['/a', '/'],
  '+/a': ['/a'],
  'a/+/b': ['a//b'],
  'a/b/c/#': ['a/b/c'],
  '$x/#': ['$x/a', '$x'],
  '$x/+': ['$x/a'],
  'ä/+': ['ä/漢'],
}

for (const version of versions) {
  test(`MQTT ${version}: which filter gets which topic (MQTT-4.7)`, async (t) => {
    const broker = await startTestBroker(t)
    const publisher = await connect(t, broker, { protocolVersion: version })
    const subscribers = await Promise.all(
      Object.entries(cases).map(async ([filter, expected]) => {
        const client = await connect(t, broker, { protocolVersion: version })
        await client.mqtt.subscribeAsync(filter, { qos: 1 })
        return { filter, expected, client }
      }),
    )
    for (const topic of topics) await publisher.mqtt.publishAsync(topic, 'x', { qos: 1 })
    for (const { filter, expected, client } of subscribers) {
      await client.take(expected.length)
      assert.deepEqual(client.topics().sort(), [...expected].sort(), filter)
    }
    await quiet(subscribers[0]!.client, cases['#']!.length)
  })

  test(`MQTT ${version}: unsubscribed is unsubscribed`, async (t) => {
    const broker = await startTestBroker(t)
    const client = await connect(t, broker, { protocolVersion: version })
    await client.mqtt.subscribeAsync(['u/+', 'u/a'], { qos: 1 })
    await client.mqtt.unsubscribeAsync('u/+')
    await client.mqtt.publishAsync('u/b', 'no', { qos: 1 })
    await client.mqtt.publishAsync('u/a', 'yes', { qos: 1 })
    await client.take(1)
    await quiet(client, 1)
    assert.deepEqual(client.topics(), ['u/a'])
  })
}

test('overlapping filters give one copy, at the highest QoS, with all identifiers (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker)
  await client.mqtt.subscribeAsync('o/#', { qos: 0, properties: { subscriptionIdentifier: 1 } })
  await client.mqtt.subscribeAsync('o/+', { qos: 2, properties: { subscriptionIdentifier: 300_000 } })
  await client.mqtt.subscribeAsync('o/x', { qos: 1 })
  await client.mqtt.publishAsync('o/x', 'x', { qos: 2 })
  const [message] = await client.take(1)
  await quiet(client, 1)
  assert.equal(message!.packet.qos, 2)
  const identifiers = [message!.packet.properties!.subscriptionIdentifier!].flat()
  assert.deepEqual(identifiers.sort(), [1, 300_000])
})

test('in a session that persists, overlapping filters give one copy for QoS 0 and one for the others (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker, persistent(5, 'overlapping'))
  await client.mqtt.subscribeAsync('o/#', { qos: 0, properties: { subscriptionIdentifier: 1 } })
  await client.mqtt.subscribeAsync('o/+', { qos: 2, properties: { subscriptionIdentifier: 2 } })
  await client.mqtt.subscribeAsync('o/x', { qos: 1, properties: { subscriptionIdentifier: 3 } })
  await client.mqtt.publishAsync('o/x', 'x', { qos: 2 })
  await client.take(2)
  await quiet(client, 2)
  const identifiers = new Map(
    client.received.map(({ packet }) => [packet.qos, [packet.properties!.subscriptionIdentifier!].flat().sort()]),
  )
  assert.deepEqual(identifiers.get(0), [1])
  assert.deepEqual(identifiers.get(2), [2, 3])
})

test('a filter subscribed again has the new options (MQTT-3.8.4-3)', async (t) => {
  const broker = await startTestBroker(t)
  for (const options of [{}, { clean: false, clientId: 'again', properties: { sessionExpiryInterval: 100 } }]) {
    const client = await connect(t, broker, options)
    for (const qos of [0, 2, 1] as const) {
      await client.mqtt.subscribeAsync('again', { qos, properties: { subscriptionIdentifier: qos + 1 } })
      await client.mqtt.publishAsync('again', 'x', { qos: 2 })
    }
    const received = await client.take(3)
    await quiet(client, 3)
    assert.deepEqual(
      received.map(({ packet }) => [packet.qos, packet.properties!.subscriptionIdentifier]),
      [
        [0, 1],
        [2, 3],
        [1, 2],
      ],
    )
    await client.mqtt.unsubscribeAsync('again')
    await client.mqtt.publishAsync('again', 'x', { qos: 2 })
    await quiet(client, 3)
  }
})

test('no local: not what the client itself publishes (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  for (const options of [{}, { clean: false, clientId: 'local', properties: { sessionExpiryInterval: 100 } }]) {
    const client = await connect(t, broker, options)
    const other = await connect(t, broker)
    await client.mqtt.subscribeAsync('n/#', { qos: 1, nl: true })
    await client.mqtt.publishAsync('n/own', 'x', { qos: 1 })
    await other.mqtt.publishAsync('n/other', 'x', { qos: 1 })
    await client.take(1)
    await quiet(client, 1)
    assert.deepEqual(client.topics(), ['n/other'])
  }
})

test('each filter of a SUBSCRIBE has its own answer', async (t) => {
  const broker = await startTestBroker(t)
  for (const [version, refused] of [
    [4, 0x80],
    [5, 0x8f],
  ] as const) {
    const client = await raw(t, broker, version)
    await client.connect(`answers${version}`)
    const filters = ['ok', 'a#', 'also/+/ok', '', 'x/#/y', '$share//x', '$share/g']
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: filters.map((topic) => ({ topic, qos: 1 })) })
    const { granted } = await client.next('suback')
    assert.deepEqual(granted, [1, refused, 1, refused, refused, refused, refused])
    client.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['ok', 'never'] })
    const unsuback = await client.next('unsuback')
    if (version === 5) assert.deepEqual(unsuback.granted, [0, 0x11])
  }
})

test('one filter twice in a SUBSCRIBE: the last entry counts, and one UNSUBSCRIBE ends it', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  await client.connect('twice', { clean: false, properties: { sessionExpiryInterval: 100 } })
  const publisher = await connect(t, broker)
  const order = [
    [0, 1],
    [1, 0],
  ]
  for (const qos of order) {
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: qos.map((each) => ({ topic: 'f', qos: each })) })
    assert.deepEqual((await client.next('suback')).granted, qos)
    await publisher.mqtt.publishAsync('f', 'x', { qos: 1 })
    const message = await client.next('publish')
    assert.equal(message.qos, qos[1])
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['f'] })
    await client.next('unsuback')
    await publisher.mqtt.publishAsync('f', 'not for you', { qos: 1 })
    await sleep(100)
    assert.deepEqual(client.packets, [])
    if (message.qos === 1) client.send({ cmd: 'puback', messageId: message.messageId })
  }
})

test('while a subscription changes between QoS 0 and 1 each message comes once', async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker, persistent(5, 'changing'))
  const publisher = await connect(t, broker)
  await client.mqtt.subscribeAsync('f', { qos: 0 })
  let sent = 0
  for (let round = 1; round <= 20; round++) {
    const changing = client.mqtt.subscribeAsync('f', { qos: (round % 2) as 0 | 1 })
    let changed = false
    void changing.then(() => (changed = true))
    while (!changed) {
      publisher.mqtt.publish('f', String(sent++), { qos: 1 })
      await sleep(0)
    }
  }
  await client.take(sent)
  await quiet(client, sent)
})
