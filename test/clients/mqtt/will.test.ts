import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { spawnTestBroker, startTestBroker } from '../../support/index.ts'
import { WebSocket } from 'ws'
import { bytesOf, connect, quiet, raw, rawAt, sleep, until, versions } from './support.ts'

for (const version of versions) {
  test(`MQTT ${version}: the will of a client that vanishes is published, that of one that says goodbye is not`, async (t) => {
    const broker = await startTestBroker(t)
    const watcher = await connect(t, broker, { protocolVersion: version })
    await watcher.mqtt.subscribeAsync('will/#', { qos: 2 })
    const will = { topic: 'will/gone', payload: Buffer.from('bye'), qos: 1, retain: true }
    const polite = await raw(t, broker, version)
    await polite.connect('polite', { will })
    polite.send({ cmd: 'disconnect' })
    await polite.end()
    await quiet(watcher, 0)
    const rude = await raw(t, broker, version)
    await rude.connect('rude', { will })
    rude.drop()
    const [message] = await watcher.take(1)
    assert.deepEqual(
      [message!.topic, message!.text, message!.packet.qos, message!.packet.retain],
      ['will/gone', 'bye', 1, false],
    )
    const late = await connect(t, broker, { protocolVersion: version })
    await late.mqtt.subscribeAsync('will/gone')
    assert.equal((await late.take(1))[0]!.packet.retain, true)
  })

  test(`MQTT ${version}: a goodbye counts when it is said, though the socket stays open (MQTT-3.14.4-3)`, async (t) => {
    const broker = await startTestBroker(t)
    const watcher = await connect(t, broker, { protocolVersion: version })
    await watcher.mqtt.subscribeAsync('will/#', { qos: 2 })
    const will = { topic: 'will/gone', payload: Buffer.from('bye'), qos: 1, retain: false }
    const polite = await rawAt(t, broker.port('mqtt'), version, true)
    await polite.connect('polite', { clean: false, will, properties: { sessionExpiryInterval: 100 } })
    polite.send({ cmd: 'disconnect' })
    await sleep(100)
    const again = await raw(t, broker, version)
    assert.equal((await again.connect('polite', { clean: false })).sessionPresent, true)
    await quiet(watcher, 0)
    // a violation ends it, too, and then the will comes at once
    const rude = await rawAt(t, broker.port('mqtt'), version, true)
    await rude.connect('rude', { will })
    rude.write('00 00')
    await until(() => watcher.received.length === 1, 'the will', undefined, 1000)
  })

  test(`MQTT ${version}: what came before the end of the connection counts, the goodbye as the last of it`, async (t) => {
    const broker = await startTestBroker(t)
    const watcher = await connect(t, broker, { protocolVersion: version })
    await watcher.mqtt.subscribeAsync('#', { qos: 2 })
    const will = { topic: 'will/gone', payload: Buffer.from('bye'), qos: 1, retain: false }
    const disconnect = { cmd: 'disconnect' }
    const publish = { cmd: 'publish', topic: 'a', payload: 'x', qos: 0, retain: false, dup: false }
    const subscribe = { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 's', qos: 1 }] }
    const unsubscribe = { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['s'] }

    // what is behind a change of subscriptions waits until that is durable
    const changing = await raw(t, broker, version)
    await changing.connect('changing', { will })
    changing.sendLast(subscribe, unsubscribe, publish, disconnect)
    await watcher.take(1)

    // and what is behind CONNECT until there is a session
    const brief = await raw(t, broker, version)
    const fields = { clientId: 'brief', clean: false, protocolId: 'MQTT', protocolVersion: version, keepalive: 0 }
    brief.sendLast({ cmd: 'connect', will, ...fields }, publish, disconnect)
    await watcher.take(2)

    // a chunk that is much work is taken in pieces
    const busy = await raw(t, broker, version)
    await busy.connect('busy', { will })
    busy.sendLast(...Array.from({ length: 20_000 }, () => publish), disconnect)
    await watcher.take(20_002)

    const socket = new WebSocket(`ws://${broker.address('mqtt-ws')}/mqtt`, ['mqtt'])
    t.after(() => socket.terminate())
    await once(socket, 'open')
    socket.send(bytesOf(version, [{ cmd: 'connect', will, ...fields, clientId: 'ws' }]))
    await once(socket, 'message')
    socket.send(bytesOf(version, [subscribe, unsubscribe, publish, disconnect]))
    socket.close()
    await watcher.take(20_003)
    await quiet(watcher, 20_003)
    assert.ok(watcher.topics().every((topic) => topic === 'a'))
  })

  test(`MQTT ${version}: a protocol error brings the will out`, async (t) => {
    const broker = await startTestBroker(t)
    const watcher = await connect(t, broker, { protocolVersion: version })
    await watcher.mqtt.subscribeAsync('will', { qos: 1 })
    const client = await raw(t, broker, version)
    await client.connect('broken', { will: { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false } })
    client.write('f0 ff ff ff ff')
    await client.end()
    await watcher.take(1)
  })
}

test('DISCONNECT with reason 4 publishes the will (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const watcher = await connect(t, broker)
  await watcher.mqtt.subscribeAsync('will', { qos: 1 })
  const client = await raw(t, broker)
  const properties = { contentType: 'text/x', userProperties: { a: 'b' } }
  await client.connect('w', { will: { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false, properties } })
  client.send({ cmd: 'disconnect', reasonCode: 4 })
  const [message] = await watcher.take(1)
  assert.equal(message!.packet.properties?.contentType, 'text/x')
  assert.deepEqual({ ...message!.packet.properties.userProperties }, { a: 'b' })
})

test('a delayed will waits, is called off by a reconnect, and comes at the session end at the latest (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const watcher = await connect(t, broker)
  await watcher.mqtt.subscribeAsync('will/#', { qos: 1 })
  const connectWith = async (id: string, delay: number, expiry: number) => {
    const client = await raw(t, broker)
    await client.connect(id, {
      clean: false,
      properties: { sessionExpiryInterval: expiry },
      will: {
        topic: `will/${id}`,
        payload: Buffer.from('x'),
        qos: 1,
        retain: false,
        properties: { willDelayInterval: delay },
      },
    })
    return client
  }
  const called = await connectWith('called-off', 1, 100)
  called.drop()
  const waits = await connectWith('waits', 1, 100)
  waits.drop()
  const short = await connectWith('short', 100, 1)
  short.drop()
  await sleep(300)
  await connectWith('called-off', 1, 100)
  assert.equal(watcher.received.length, 0)
  await watcher.take(2)
  await sleep(500)
  await quiet(watcher, 2)
  assert.deepEqual(watcher.topics().sort(), ['will/short', 'will/waits'])
})

test('a will is delayed as CONNECT said, also where DISCONNECT lets the session stay longer (section 3.1.3.2.2)', async (t) => {
  const broker = await startTestBroker(t)
  const watcher = await connect(t, broker)
  await watcher.mqtt.subscribeAsync('will', { qos: 1 })
  const client = await raw(t, broker)
  const properties = { willDelayInterval: 2 }
  await client.connect('later', {
    properties: { sessionExpiryInterval: 1 },
    will: { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false, properties },
  })
  const start = Date.now()
  client.send({ cmd: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 100 } })
  await watcher.take(1)
  assert.ok(Date.now() - start >= 1900, `after ${Date.now() - start} ms`)
})

for (const version of versions) {
  test(`MQTT ${version}: a will for a log is refused: it would be published where nobody hears it`, async (t) => {
    const broker = await startTestBroker(t)
    const client = await raw(t, broker, version)
    const will = { topic: '$log/orders', payload: Buffer.from('x'), qos: 1, retain: false }
    const connack = await client.connect('to a log', { will })
    assert.equal(version === 5 ? connack.reasonCode : connack.returnCode, version === 5 ? 0x90 : 3)
    await client.end()
  })
}

test('a takeover publishes the will of the one that had to go', async (t) => {
  const broker = await startTestBroker(t)
  const watcher = await connect(t, broker)
  await watcher.mqtt.subscribeAsync('will', { qos: 1 })
  const first = await raw(t, broker)
  await first.connect('same', { will: { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false } })
  const second = await raw(t, broker)
  await second.connect('same')
  await watcher.take(1)
})

test('the broker is killed: the will of a session that was to stay is published after the restart', async (t) => {
  const before = await spawnTestBroker(t)
  const watching = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const watcher = await rawAt(t, before.port('mqtt'), 5)
  await watcher.connect('watcher', watching)
  watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'will/+', qos: 1 }] })
  await watcher.next('suback')
  const will = (topic: string) => ({ topic, payload: Buffer.from('x'), qos: 1, retain: false })
  const dying = await rawAt(t, before.port('mqtt'), 5)
  await dying.connect('dying', { ...watching, will: will('will/dying') })
  await before.kill()
  const after = await spawnTestBroker(t, { data: before.data })
  const back = await rawAt(t, after.port('mqtt'), 5)
  assert.equal((await back.connect('watcher', watching)).sessionPresent, true)
  assert.equal((await back.next('publish')).topic, 'will/dying')
})
