import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestBroker } from '../../support/index.ts'
import { connect, quiet, raw, sleep, versions } from './support.ts'

for (const version of versions) {
  for (const way of ['mqtt', 'ws']) {
    test(`MQTT.js ${version} over ${way}: every QoS in, every QoS out, the lower one holds`, async (t) => {
      const broker = await startTestBroker(t)
      const publisher = await connect(t, broker, { protocolVersion: version }, way)
      for (const granted of [0, 1, 2] as const) {
        const subscriber = await connect(t, broker, { protocolVersion: version }, way)
        const [grant] = await subscriber.mqtt.subscribeAsync(`q${granted}/+`, { qos: granted })
        assert.equal(grant!.qos, granted)
        for (const qos of [0, 1, 2] as const) {
          await publisher.mqtt.publishAsync(`q${granted}/${qos}`, `body ${qos}`, { qos })
        }
        const received = await subscriber.take(3)
        const byTopic = new Map(received.map((r) => [r.topic, r]))
        for (const qos of [0, 1, 2] as const) {
          const message = byTopic.get(`q${granted}/${qos}`)!
          assert.equal(message.text, `body ${qos}`)
          assert.equal(message.packet.qos, Math.min(qos, granted))
          assert.deepEqual([message.packet.dup, message.packet.retain], [false, false])
        }
        await subscriber.end()
      }
    })
  }

  test(`MQTT ${version}: 5,000 messages of one publisher arrive once and in order, at every QoS`, async (t) => {
    const broker = await startTestBroker(t)
    const publisher = await connect(t, broker, { protocolVersion: version })
    for (const qos of [0, 1, 2] as const) {
      const subscriber = await connect(t, broker, { protocolVersion: version })
      await subscriber.mqtt.subscribeAsync('flood', { qos })
      const count = qos === 2 ? 1000 : 5000
      const sent = Array.from({ length: count }, (_, i) => publisher.mqtt.publishAsync('flood', String(i), { qos }))
      await Promise.all(sent)
      const received = await subscriber.take(count)
      assert.deepEqual(
        received.map(({ text }) => Number(text)),
        Array.from({ length: count }, (_, i) => i),
      )
      await subscriber.end()
    }
  })

  test(`MQTT ${version}: a 5 MB message, an empty one, and every byte`, async (t) => {
    const broker = await startTestBroker(t)
    const client = await connect(t, broker, { protocolVersion: version })
    const bodies: Buffer[] = []
    client.mqtt.on('message', (_topic, payload) => bodies.push(payload))
    await client.mqtt.subscribeAsync('big', { qos: 1 })
    const large = Buffer.alloc(5_000_000, 'dragoman')
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    for (const body of [large, Buffer.alloc(0), bytes]) await client.mqtt.publishAsync('big', body, { qos: 1 })
    await client.take(3)
    assert.deepEqual(
      bodies.map((body) => body.length),
      [large.length, 0, 256],
    )
    assert.ok(bodies[0]!.equals(large) && bodies[2]!.equals(bytes))
  })
}

test('PUBACK says 0x10 when nobody subscribes, and 0 when somebody does (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  await client.connect('publisher')
  const publish = { cmd: 'publish', topic: 'nobody/here', payload: 'x', qos: 1, dup: false, retain: false }
  client.send({ ...publish, messageId: 7 })
  const first = await client.next('puback')
  assert.deepEqual([first.messageId, first.reasonCode], [7, 0x10])
  client.send({ cmd: 'subscribe', messageId: 8, subscriptions: [{ topic: 'nobody/#', qos: 0 }] })
  await client.next('suback')
  client.send({ ...publish, messageId: 9 })
  const second = await client.next('puback')
  assert.equal(second.reasonCode ?? 0, 0)
})

test('MQTT-4.3.3: a QoS 2 message sent again before PUBREL, also over a new connection, is published once', async (t) => {
  const broker = await startTestBroker(t)
  const subscriber = await connect(t, broker)
  await subscriber.mqtt.subscribeAsync('once', { qos: 2 })
  const publish = { cmd: 'publish', topic: 'once', payload: 'x', qos: 2, messageId: 21, retain: false }
  const session = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const first = await raw(t, broker)
  await first.connect('twice', session)
  first.send({ ...publish, dup: false })
  await first.next('pubrec')
  first.send({ ...publish, dup: true })
  await first.next('pubrec')
  first.drop()
  const second = await raw(t, broker)
  const connack = await second.connect('twice', session)
  assert.equal(connack.sessionPresent, true)
  second.send({ ...publish, dup: true })
  await second.next('pubrec')
  second.send({ cmd: 'pubrel', messageId: 21 })
  const pubcomp = await second.next('pubcomp')
  assert.equal(pubcomp.reasonCode ?? 0, 0)
  await subscriber.take(1)
  await quiet(subscriber, 1)
  // the identifier is free again
  second.send({ ...publish, payload: 'y', dup: false })
  await second.next('pubrec')
  second.send({ cmd: 'pubrel', messageId: 21 })
  await second.next('pubcomp')
  await subscriber.take(2)
  assert.deepEqual(
    subscriber.received.map(({ text }) => text),
    ['x', 'y'],
  )
})

test('PUBREL for an unknown identifier is answered with 0x92 (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  await client.connect('c')
  client.send({ cmd: 'pubrel', messageId: 5 })
  assert.equal((await client.next('pubcomp')).reasonCode, 0x92)
})

test('a QoS 2 publisher that lost PUBCOMP gets it over its next connection (MQTT 3.1.1)', async (t) => {
  const broker = await startTestBroker(t)
  const first = await raw(t, broker, 4)
  await first.connect('loser', { clean: false })
  first.send({ cmd: 'publish', topic: 'q', payload: 'x', qos: 2, messageId: 7, retain: false, dup: false })
  await first.next('pubrec')
  first.send({ cmd: 'pubrel', messageId: 7 })
  await first.next('pubcomp')
  first.drop()
  const second = await raw(t, broker, 4)
  await second.connect('loser', { clean: false })
  second.send({ cmd: 'pubrel', messageId: 7 }, { cmd: 'pingreq' })
  assert.equal((await second.next('pubcomp')).messageId, 7)
  await second.next('pingresp')
})

test('packets that come in the same chunk as CONNECT are handled after it', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  client.send(
    { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId: 'hasty', clean: true, keepalive: 0 },
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'h', qos: 1 }] },
    { cmd: 'publish', topic: 'h', payload: 'hello', qos: 1, messageId: 2, dup: false, retain: false },
    { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['h'] },
    { cmd: 'publish', topic: 'h', payload: 'again', qos: 0, dup: false, retain: false },
    { cmd: 'pingreq' },
  )
  await client.next('pingresp')
  await sleep(50)
  assert.deepEqual(
    client.packets.filter(({ cmd }) => cmd !== 'publish').map(({ cmd }) => cmd),
    ['connack', 'suback', 'puback', 'unsuback'],
  )
  assert.deepEqual(
    client.packets.filter(({ cmd }) => cmd === 'publish').map(({ payload }) => String(payload)),
    ['hello'],
  )
})
