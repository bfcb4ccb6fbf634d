import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../../../src/index.ts'
import { startTestBroker, temporaryFolder } from '../../support/index.ts'
import { connect, persistent, quiet, raw, until, versions } from './support.ts'
import type { RawClient } from './support.ts'

for (const version of versions) {
  test(`MQTT ${version}: a persistent session gets what came while it was away, in order`, async (t) => {
    const broker = await startTestBroker(t)
    const options = persistent(version, 'away')
    const first = await connect(t, broker, options)
    await first.mqtt.subscribeAsync({ 'd/1': { qos: 1 }, 'd/2': { qos: 2 }, 'd/0': { qos: 0 } })
    await first.end()
    const publisher = await connect(t, broker, { protocolVersion: version })
    for (let i = 0; i < 50; i++) await publisher.mqtt.publishAsync(`d/${i % 3}`, String(i), { qos: 2 })
    const second = await connect(t, broker, options)
    const received = await second.take(33)
    await quiet(second, 33)
    for (const [topic, qos] of [
      ['d/1', 1],
      ['d/2', 2],
    ] as const) {
      const got = received.filter((r) => r.topic === topic)
      assert.deepEqual(
        got.map((r) => Number(r.text)),
        Array.from({ length: 50 }, (_, i) => i).filter((i) => `d/${i % 3}` === topic),
      )
      assert.ok(got.every((r) => r.packet.qos === qos && !r.packet.dup))
    }
    // and goes on live
    await publisher.mqtt.publishAsync('d/1', 'live', { qos: 1 })
    assert.equal((await second.take(34))[33]!.text, 'live')
  })

  test(`MQTT ${version}: session present, and a clean start that forgets`, async (t) => {
    const broker = await startTestBroker(t)
    const session = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 100 } } : { clean: false }
    const present = async (fields: object): Promise<unknown> => {
      const client = await raw(t, broker, version)
      const connack = await client.connect('present', fields)
      client.send({ cmd: 'disconnect' })
      await client.end()
      return connack.sessionPresent
    }
    assert.equal(await present(session), false)
    assert.equal(await present(session), true)
    assert.equal(await present({ ...session, clean: true }), false)
    assert.equal(await present({ clean: true }), false)
    assert.equal(await present(session), false)
  })

  test(`MQTT ${version}: what was not acknowledged comes again, marked, with its packet identifier, in order`, async (t) => {
    const broker = await startTestBroker(t)
    const session = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 100 } } : { clean: false }
    const first = await raw(t, broker, version)
    await first.connect('again', session)
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'r/#', qos: 2 }] })
    await first.next('suback')
    const publisher = await connect(t, broker, { protocolVersion: version })
    for (let i = 0; i < 6; i++) await publisher.mqtt.publishAsync(`r/${i}`, String(i), { qos: (1 + (i % 2)) as 1 | 2 })
    const seen = []
    for (let i = 0; i < 6; i++) seen.push(await first.next('publish'))
    assert.ok(seen.every(({ dup }) => dup === false))
    first.send({ cmd: 'puback', messageId: seen[0]!.messageId })
    first.send({ cmd: 'pubrec', messageId: seen[1]!.messageId })
    await first.next('pubrel')
    first.drop()
    const second = await raw(t, broker, version)
    assert.equal((await second.connect('again', session)).sessionPresent, true)
    const pubrel = await second.next('pubrel')
    assert.equal(pubrel.messageId, seen[1]!.messageId)
    for (let i = 2; i < 6; i++) {
      const packet = await second.next('publish')
      assert.deepEqual([packet.topic, packet.dup, packet.messageId], [`r/${i}`, true, seen[i]!.messageId])
    }
    second.send({ cmd: 'pubcomp', messageId: seen[1]!.messageId })
    for (let i = 2; i < 6; i++) second.send({ cmd: i % 2 === 0 ? 'puback' : 'pubrec', messageId: seen[i]!.messageId })
    await second.next('pubrel')
    await second.next('pubrel')
    for (const i of [3, 5]) second.send({ cmd: 'pubcomp', messageId: seen[i]!.messageId })
    second.send({ cmd: 'pingreq' })
    await second.next('pingresp')
    second.send({ cmd: 'disconnect' })
    await second.end()
    const third = await raw(t, broker, version)
    await third.connect('again', session)
    third.send({ cmd: 'pingreq' })
    await third.next('pingresp')
    assert.deepEqual(third.packets, [])
  })

  test(`MQTT ${version}: a second connection with the same client identifier takes over`, async (t) => {
    const broker = await startTestBroker(t)
    const first = await raw(t, broker, version)
    await first.connect('same')
    const second = await raw(t, broker, version)
    await second.connect('same')
    if (version === 5) assert.equal((await first.next('disconnect')).reasonCode, 0x8e)
    await first.end()
    second.send({ cmd: 'pingreq' })
    await second.next('pingresp')
  })
}

test('a persistent session outlives a restart of the broker: subscriptions, messages, QoS 2 identifiers', async (t) => {
  const data = temporaryFolder(t)
  const listen = { kafka: false, amqp: false, http: false } as const
  const before = await startBroker({ data, listen })
  t.after(() => before.stop())
  const session = { clean: false, properties: { sessionExpiryInterval: 1000 } }
  const subscriber = await raw(t, before)
  await subscriber.connect('restart', session)
  subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'p/#', qos: 2 }] })
  await subscriber.next('suback')
  const publisher = await raw(t, before)
  await publisher.connect('restarting', session)
  const publish = { cmd: 'publish', payload: 'x', qos: 2, dup: false, retain: false }
  publisher.send({ ...publish, topic: 'p/1', messageId: 11 }, { ...publish, topic: 'p/2', messageId: 12 })
  await publisher.next('pubrec')
  await publisher.next('pubrec')
  const one = await subscriber.next('publish')
  const two = await subscriber.next('publish')
  subscriber.send({ cmd: 'pubrec', messageId: one.messageId })
  await subscriber.next('pubrel')
  subscriber.drop()
  publisher.send({ ...publish, topic: 'p/3', messageId: 13 })
  await publisher.next('pubrec')
  await before.stop()

  const after = await startBroker({ data, listen })
  t.after(() => after.stop())
  const again = await raw(t, after)
  assert.equal((await again.connect('restart', session)).sessionPresent, true)
  assert.equal((await again.next('pubrel')).messageId, one.messageId)
  const second = await again.next('publish')
  assert.deepEqual([second.topic, second.messageId, second.dup], ['p/2', two.messageId, true])
  assert.equal((await again.next('publish')).topic, 'p/3')
  const publishing = await raw(t, after)
  await publishing.connect('restarting', session)
  publishing.send({ ...publish, topic: 'p/1', messageId: 11, dup: true }, { ...publish, topic: 'p/4', messageId: 14 })
  await publishing.next('pubrec')
  await publishing.next('pubrec')
  assert.equal((await again.next('publish')).topic, 'p/4')
})

for (const version of versions) {
  test(`MQTT ${version}: a QoS 2 publisher that lost its state begins with the same identifier: another message is published, the same is not`, async (t) => {
    const broker = await startTestBroker(t)
    const subscriber = await connect(t, broker)
    await subscriber.mqtt.subscribeAsync('meter', { qos: 2 })
    const session = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 100 } } : { clean: false }
    const meter = async (payload: string, dup: boolean): Promise<RawClient> => {
      const client = await raw(t, broker, version)
      await client.connect('meter', session)
      client.send({ cmd: 'publish', topic: 'meter', payload, qos: 2, messageId: 1, dup, retain: false })
      assert.equal((await client.next('pubrec')).reasonCode ?? 0, 0)
      return client
    }
    const texts = (): string[] => subscriber.received.map(({ text }) => text)
    ;(await meter('A', false)).drop()
    ;(await meter('A', true)).drop()
    ;(await meter('B', false)).drop()
    const last = await meter('B', false)
    await subscriber.take(2)
    // While it is in use on this connection.
    last.send({ cmd: 'publish', topic: 'meter', payload: 'C', qos: 2, messageId: 1, dup: false, retain: false })
    assert.equal((await last.next('pubrec')).reasonCode, version === 5 ? 0x91 : undefined)
    last.send({ cmd: 'pubrel', messageId: 1 })
    await last.next('pubcomp')
    ;(await meter('B', false)).drop()
    await subscriber.take(3)
    await quiet(subscriber, 3)
    assert.deepEqual(texts(), ['A', 'B', 'B'])
  })
}

for (const [granted, what] of [
  [1, 'never came at QoS 2 to who did not ask for that'],
  [2, 'comes at QoS 2 still'],
] as const) {
  test(`what was stored for a subscription at QoS ${granted} that is gone ${what} (MQTT-3.8.4-8)`, async (t) => {
    const broker = await startTestBroker(t)
    const session = { clean: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 10 } }
    const open = async (): Promise<RawClient> => {
      const client = await raw(t, broker)
      await client.connect('stored', session)
      return client
    }
    const subscribe = async (client: RawClient, qos: number): Promise<void> => {
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'stored', qos }] })
      await client.next('suback')
    }
    const first = await open()
    await subscribe(first, granted)
    first.drop()
    const publisher = await connect(t, broker)
    const all = Array.from({ length: 40 }, (_, i) => publisher.mqtt.publishAsync('stored', String(i), { qos: 2 }))
    await Promise.all(all)
    const second = await open()
    const { messageId } = await second.next('publish')
    second.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['stored'] })
    await second.next('unsuback')
    await subscribe(second, 1)
    if (granted === 1) second.send({ cmd: 'puback', messageId })
    else {
      second.send({ cmd: 'pubrec', messageId })
      await second.next('pubrel')
      second.send({ cmd: 'pubcomp', messageId })
    }
    await until(() => second.seen.filter(({ cmd }) => cmd === 'publish').length >= 11, 'the eleventh')
    second.drop()
    const third = await open()
    await until(() => third.seen.filter(({ cmd }) => cmd === 'publish').length === 10, 'as many as it takes')
    const published = [...second.seen, ...third.seen].filter(({ cmd }) => cmd === 'publish')
    assert.deepEqual(new Set(published.map(({ qos }) => qos)), new Set([granted]))
  })
}

test('a takeover hands over what the older connection did not acknowledge', async (t) => {
  const broker = await startTestBroker(t)
  const session = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const first = await raw(t, broker)
  await first.connect('handed-over', session)
  first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'h', qos: 2 }] })
  await first.next('suback')
  const publisher = await connect(t, broker)
  for (let i = 0; i < 4; i++) await publisher.mqtt.publishAsync('h', String(i), { qos: 2 })
  const seen = []
  for (let i = 0; i < 4; i++) seen.push(await first.next('publish'))
  first.send({ cmd: 'pubrec', messageId: seen[0]!.messageId })
  await first.next('pubrel')
  const second = await raw(t, broker)
  assert.equal((await second.connect('handed-over', session)).sessionPresent, true)
  await first.end()
  assert.equal((await second.next('pubrel')).messageId, seen[0]!.messageId)
  for (let i = 1; i < 4; i++) {
    const packet = await second.next('publish')
    assert.deepEqual([String(packet.payload), packet.dup, packet.messageId], [String(i), true, seen[i]!.messageId])
  }
})

test('large messages come a few at a time, so that a slow session holds few of them in memory', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  await client.connect('large', { clean: false, properties: { sessionExpiryInterval: 100 } })
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'l', qos: 1 }] })
  await client.next('suback')
  const publisher = await connect(t, broker)
  for (let i = 0; i < 12; i++) await publisher.mqtt.publishAsync('l', Buffer.alloc(1_000_000, i), { qos: 1 })
  await new Promise((resolve) => setTimeout(resolve, 300))
  const waiting = client.packets.length
  assert.ok(waiting >= 1 && waiting <= 5, `${waiting} messages of 1 MB unacknowledged`)
  for (let i = 0; i < 12; i++) {
    const packet = await client.next('publish')
    assert.equal((packet.payload as Buffer)[999_999], i)
    client.send({ cmd: 'puback', messageId: packet.messageId })
  }
})

test('a publisher that never rests: CONNACK still comes first, and each message on the terms of its subscription', async (t) => {
  const broker = await startTestBroker(t)
  const session = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const publisher = await connect(t, broker)
  let publishing = true
  t.after(() => (publishing = false))
  const stream = (async () => {
    while (publishing) {
      for (let i = 0; i < 20; i++) publisher.mqtt.publish('stream', 'x', { qos: 0 })
      await publisher.mqtt.publishAsync('stream', 'x', { qos: 2 }).catch(() => (publishing = false))
    }
  })()
  for (let round = 0; round < 15; round++) {
    const client = await raw(t, broker)
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId: 'restless',
      keepalive: 0,
      ...session,
    })
    await client.next('connack')
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'stream', qos: 1 + (round % 2) }],
      properties: { subscriptionIdentifier: round + 1 },
    })
    await client.next('suback')
    await client.next('publish')
    const kinds = client.seen.map(({ cmd }) => cmd)
    assert.equal(kinds[0], 'connack', kinds.slice(0, 5).join())
    const afterSuback = client.seen.slice(kinds.indexOf('suback') + 1)
    for (const { properties, qos } of afterSuback) {
      assert.ok(Number(qos) <= 1 + (round % 2), `QoS ${String(qos)}`)
      const { subscriptionIdentifier } = properties as { subscriptionIdentifier?: number }
      assert.equal(subscriptionIdentifier, round + 1)
    }
    client.drop()
  }
  publishing = false
  await stream
})

test('session expiry: given up at DISCONNECT, and not raised from 0 (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const session = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const first = await raw(t, broker)
  await first.connect('expiring', session)
  first.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
  await first.end()
  const second = await raw(t, broker)
  assert.equal((await second.connect('expiring', { clean: false })).sessionPresent, false)
  second.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } })
  assert.equal((await second.next('disconnect')).reasonCode, 0x82)
  await second.end()
  const brief = await raw(t, broker)
  await brief.connect('brief', { clean: false, properties: { sessionExpiryInterval: 1 } })
  brief.drop()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const back = await raw(t, broker)
  assert.equal((await back.connect('brief', session)).sessionPresent, false)
})

test('a session that is stopped with the broker is told so (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker)
  const told = new Promise((resolve) => {
    client.mqtt.once('disconnect', ({ reasonCode }) => {
      resolve(reasonCode)
    })
  })
  await broker.stop()
  assert.equal(await told, 0x8b)
})
