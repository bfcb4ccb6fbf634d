import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import mqttPacket from 'mqtt-packet'
import type { Packet } from 'mqtt-packet'
import { start, startTestBroker } from '../../support/index.ts'
import { connect, raw, rawAt, sleep, until, versions } from './support.ts'
import type { RawClient } from './support.ts'

test('client identifiers: which empty ones are taken', async (t) => {
  const broker = await startTestBroker(t)
  const answer = async (version: number, clean: boolean): Promise<unknown> => {
    const client = await raw(t, broker, version)
    const connack = await client.connect('', { clean })
    return version === 5 ? connack.reasonCode : connack.returnCode
  }
  assert.equal(await answer(5, true), 0)
  assert.equal(await answer(4, true), 0)
  const refused = await raw(t, broker, 4)
  refused.write('100c 0004 4d515454 04 00 0000 0000')
  assert.equal((await refused.next('connack')).returnCode, 2)
  await refused.end()
})

test('MQTT 3.1 connects, publishes and subscribes', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker, 3)
  assert.equal((await client.connect('old')).returnCode, 0)
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'old/#', qos: 1 }] })
  await client.next('suback')
  client.send({ cmd: 'publish', topic: 'old/one', payload: 'x', qos: 1, messageId: 2, dup: false, retain: false })
  assert.equal((await client.next('publish')).topic, 'old/one')
})

test('MQTT.js as 3.1 over WebSocket: its subprotocol has a name of its own', async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker, { protocolVersion: 3, protocolId: 'MQIsdp' }, 'ws')
  await client.mqtt.subscribeAsync('old/#', { qos: 1 })
  await client.mqtt.publishAsync('old/one', 'x', { qos: 1 })
  await client.take(1)
})

test('an unknown protocol level is answered in the old form', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker, 4)
  client.write('100d 0004 4d515454 09 02 0000 0001 61')
  assert.equal((await client.next('connack')).returnCode, 1)
  await client.end()
})

test('a client that is silent for one and a half times its keep alive is gone, and its will comes (MQTT-3.1.2-22)', async (t) => {
  const broker = await startTestBroker(t)
  const watcher = await connect(t, broker)
  await watcher.mqtt.subscribeAsync('will', { qos: 1 })
  const silent = await raw(t, broker)
  const start = Date.now()
  await silent.connect('silent', {
    keepalive: 1,
    will: { topic: 'will', payload: Buffer.from('x'), qos: 0, retain: false },
  })
  const speaking = await raw(t, broker)
  await speaking.connect('speaking', { keepalive: 1 })
  const pings = setInterval(() => {
    speaking.send({ cmd: 'pingreq' })
  }, 500)
  t.after(() => {
    clearInterval(pings)
  })
  await until(
    () => silent.closed,
    'the silent one is closed',
    () => '',
    6000,
  )
  assert.ok(Date.now() - start >= 1400, 'not too early')
  assert.equal((await silent.next('disconnect')).reasonCode, 0x8d)
  await watcher.take(1)
  assert.equal(speaking.closed, false)
})

/** What a client of MQTT 5 is told about it. */
const malformed: [name: string, hex: string, reason: number][] = [
  ['reserved packet type', '00 00', 0x82],
  ['QoS 3', '36 06 0001 61 0001 00', 0x81],
  ['wildcard in a topic', '30 04 0001 23 00', 0x90],
  ['topic that is not UTF-8', '30 04 0001 ff 00', 0x81],
  ['packet identifier 0', '32 06 0001 61 0000 00', 0x82],
  ['SUBSCRIBE without filters', '82 03 0001 00', 0x82],
  ['no local on a shared subscription', '82 10 0001 00 000a 24 73 68 61 72 65 2f 67 2f 61 04', 0x82],
  ['second CONNECT', '10 0e 0004 4d515454 05 02 0000 00 0001 61', 0x82],
  ['AUTH', 'f0 00', 0x82],
  ['larger than this server takes', '30 ff ff ff 7f', 0x95],
]

for (const [name, hex, reason] of malformed) {
  test(`malformed: ${name} ends the connection with ${reason.toString(16)} and disturbs nobody`, async (t) => {
    const broker = await startTestBroker(t)
    const bystander = await connect(t, broker)
    await bystander.mqtt.subscribeAsync('by', { qos: 1 })
    const client = await raw(t, broker)
    await client.connect('bad')
    client.write(hex)
    assert.equal((await client.next('disconnect')).reasonCode, reason)
    await client.end()
    const old = await raw(t, broker, 4)
    await old.connect('bad-old')
    old.write('00 00')
    await old.end()
    await bystander.mqtt.publishAsync('by', 'x', { qos: 1 })
    await bystander.take(1)
  })
}

test('random bytes close the connection and nothing else', async (t) => {
  const broker = await startTestBroker(t)
  const bystander = await connect(t, broker)
  for (let round = 0; round < 40; round++) {
    const socket = connectTcp(broker.port('mqtt'), '127.0.0.1')
    socket.on('error', () => undefined)
    const bytes = Buffer.from(Array.from({ length: 200 }, (_, i) => (round * 7919 + i * 104_729 + i * i * round) % 256))
    socket.end(round % 2 === 0 ? bytes : Buffer.concat([Buffer.from('10', 'hex'), bytes]))
    await new Promise((resolve) => socket.once('close', resolve))
  }
  await bystander.mqtt.subscribeAsync('x', { qos: 1 })
  await bystander.mqtt.publishAsync('x', 'still here', { qos: 1 })
  await bystander.take(1)
})

test('mutated packets: every stream ends in answers or a close, and the broker lives', async (t) => {
  const broker = await startTestBroker(t)
  const bystander = await connect(t, broker)
  const stream = (version: number): Buffer =>
    Buffer.concat(
      [
        {
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: version,
          clientId: 'm',
          clean: false,
          keepalive: 5,
          username: 'u',
          will: { topic: 'w', payload: Buffer.from('x'), qos: 1, retain: true },
        },
        {
          cmd: 'subscribe',
          messageId: 1,
          subscriptions: [
            { topic: 'm/#', qos: 2 },
            { topic: '$share/g/m/+', qos: 1 },
          ],
        },
        {
          cmd: 'publish',
          topic: 'm/1',
          payload: 'x',
          qos: 1,
          messageId: 2,
          retain: true,
          properties: { contentType: 'a', userProperties: { a: 'b' } },
        },
        { cmd: 'publish', topic: 'm/2', payload: 'y', qos: 2, messageId: 3, retain: false },
        { cmd: 'pubrel', messageId: 3 },
        { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['m/#'] },
        { cmd: 'disconnect' },
      ].map((packet) => mqttPacket.generate(packet as Packet, { protocolVersion: version })),
    )
  let seed = 20_261_121
  const below = (bound: number): number => (seed = (seed * 48_271) % 2_147_483_647) % bound
  for (let round = 0; round < 150; round++) {
    const bytes = stream(4 + (round % 2))
    for (let i = 0; i <= below(4); i++) bytes[below(bytes.length)] = below(256)
    const socket = connectTcp(broker.port('mqtt'), '127.0.0.1')
    socket.on('error', () => undefined).on('data', () => undefined)
    socket.end(bytes)
    await new Promise((resolve) => socket.once('close', resolve))
  }
  await bystander.mqtt.subscribeAsync('alive', { qos: 2 })
  await bystander.mqtt.publishAsync('alive', 'x', { qos: 2 })
  await until(() => bystander.topics().includes('alive'), 'the broker answers')
})

test('subscriptions of one session are limited; those that are there can change', async (t) => {
  const broker = await startTestBroker(t, { settings: { protocols: { mqtt: { subscriptionsMax: 3 } } } })
  const client = await raw(t, broker)
  await client.connect('many')
  const subscribe = async (qos: number, ...filters: string[]): Promise<unknown> => {
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos })) })
    return (await client.next('suback')).granted
  }
  assert.deepEqual(await subscribe(0, 'a', 'b'), [0, 0])
  assert.deepEqual(await subscribe(1, 'a', 'c', 'd'), [1, 1, 0x97])
  assert.deepEqual(await subscribe(1, 'b', 'd'), [1, 0x97])
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a'] })
  await client.next('unsuback')
  assert.deepEqual(await subscribe(1, 'd'), [1])
})

for (const version of versions) {
  const refused = version === 5 ? 0x97 : 0x80
  test(`MQTT ${version}: the filters of one session are limited in bytes, also over its connections`, async (t) => {
    const broker = await startTestBroker(t, { settings: { protocols: { mqtt: { subscriptionBytesMax: '64 KiB' } } } })
    const session = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 100 } } : { clean: false }
    const filter = (letter: string, bytes: number): string => letter.repeat(bytes)
    const subscribe = async (client: RawClient, ...topics: string[]): Promise<unknown> => {
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) })
      return (await client.next('suback')).granted
    }
    const first = await raw(t, broker, version)
    await first.connect('long', session)
    const [a, b, c] = [filter('a', 30_000), filter('b', 30_000), filter('c', 30_000)]
    assert.deepEqual(await subscribe(first, a, b, c, 'short', a), [1, 1, refused, 1, 1])
    first.drop()
    const second = await raw(t, broker, version)
    await second.connect('long', session)
    assert.deepEqual(await subscribe(second, c, b), [refused, 1])
    second.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [a] })
    await second.next('unsuback')
    assert.deepEqual(await subscribe(second, c), [1])
  })
}

test('topics of aliases are limited in bytes, a number that is given anew counts once (MQTT 5)', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  await client.connect('aliases')
  const publish = (topicAlias: number, topic: string): void => {
    const properties = { topicAlias }
    client.send({ cmd: 'publish', topic, payload: 'x', qos: 0, dup: false, retain: false, properties })
  }
  for (let i = 0; i < 5; i++) publish(1, String(i).repeat(60_000))
  publish(2, 'b'.repeat(60_000))
  client.send({ cmd: 'pingreq' })
  await client.next('pingresp')
  publish(3, 'c'.repeat(60_000))
  assert.equal((await client.next('disconnect')).reasonCode, 0x97)
})

test('a slow subscriber without a persistent session costs itself only', async (t) => {
  const queued = { queuedMessagesMax: 100 }
  const broker = await startTestBroker(t, { settings: { protocols: { mqtt: queued } } })
  const slow = await raw(t, broker)
  await slow.connect('slow', { properties: { receiveMaximum: 1 } })
  slow.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'f', qos: 1 }] })
  await slow.next('suback')
  const quick = await connect(t, broker)
  await quick.mqtt.subscribeAsync('f', { qos: 1 })
  const publisher = await connect(t, broker)
  for (let i = 0; i < 1000; i += 50) {
    const burst = Array.from({ length: 50 }, (_, k) => publisher.mqtt.publishAsync('f', String(i + k), { qos: 1 }))
    await Promise.all(burst)
    await quick.take(i + 50)
  }
  for (let got = 0; got < 101; got++) {
    const packet = await slow.next('publish')
    assert.equal(String(packet.payload), String(got))
    slow.send({ cmd: 'puback', messageId: packet.messageId })
  }
  await sleep(150)
  assert.equal(slow.packets.filter(({ cmd }) => cmd === 'publish').length, 0)
})

test('a subscriber that does not read loses what does not fit, stays connected, and gets what comes after', async (t) => {
  const mqtt = { queuedBytesMax: '1 MiB' }
  const broker = await startTestBroker(t, { settings: { protocols: { mqtt } } })
  const deaf = await raw(t, broker)
  await deaf.connect('deaf')
  deaf.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'f', qos: 0 }] })
  await deaf.next('suback')
  deaf.listen(false)
  const publisher = await connect(t, broker)
  const numbered = (n: number): Buffer => {
    const body = Buffer.alloc(20_000)
    body.writeUInt32BE(n)
    return body
  }
  const count = 1500
  for (let i = 0; i < count; i += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, k) => publisher.mqtt.publishAsync('f', numbered(i + k), { qos: 1 })),
    )
  }
  deaf.listen(true)
  await until(
    () => deaf.packets.length > 100,
    'what fitted',
    () => String(deaf.packets.length),
  )
  await sleep(300)
  await publisher.mqtt.publishAsync('f', numbered(count), { qos: 1 })
  const numbers = (): number[] => deaf.packets.map(({ payload }) => (payload as Buffer).readUInt32BE())
  await until(() => numbers().at(-1) === count, 'the one that comes after')
  const got = numbers()
  assert.ok(got.length < count, `${got.length} of ${count}`)
  assert.deepEqual(
    got,
    [...got].sort((a, b) => a - b),
  )
})

test('a thousand idle connections, each with a subscription, cost at most 8 KB more than the bare socket', async (t) => {
  const bare = await held(t, 'bare', () => Promise.resolve())
  const served = await held(t, 'broker', async (client, i) => {
    await client.connect(`idle-${i}`, { keepalive: 600 })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `idle/${i}`, qos: 0 }] })
    await client.next('suback')
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
  })
  t.diagnostic(`${Math.round(bare)} bytes a bare socket, ${Math.round(served)} bytes a connection`)
  assert.ok(served - bare <= 8192, `${Math.round(served - bare)} bytes more than a bare socket`)
})

/** Bytes that a process of its own holds for each of a thousand connections. */
async function held(
  t: TestContext,
  kind: string,
  greet: (client: RawClient, i: number) => Promise<void>,
): Promise<number> {
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'idle_server.ts')
  const server = start(process.execPath, ['--expose-gc', script, kind], { timeoutMs: 120_000 })
  t.after(() => server.stop('SIGKILL'))
  const port = Number((await server.waitFor(/port (\d+)/))[1])
  const measure = async (): Promise<number> => {
    await sleep(300)
    server.stdout = ''
    server.write('measure\n')
    return Number((await server.waitFor(/holds (\d+)/))[1])
  }
  const open = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i += 50) {
      await Promise.all(Array.from({ length: 50 }, async (_, k) => greet(await rawAt(t, port, 4), i + k)))
    }
  }
  // the first ones pay for code and tables that are made once
  await open(0, 100)
  const before = await measure()
  await open(100, 1100)
  return ((await measure()) - before) / 1000
}

test('short packets that stand for long topics, by alias, wait for the disk like long ones, and all are answered', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker, 5)
  await client.connect('alias')
  const publish = (alias: number, messageId: number, topic = ''): object => {
    const properties = { topicAlias: alias }
    return { cmd: 'publish', topic, payload: 'x', qos: 1, messageId, dup: false, retain: false, properties }
  }
  client.send(publish(1, 1, 'a'.repeat(60_000)), publish(2, 2, 'b'.repeat(60_000)))
  await until(() => client.packets.filter(({ cmd }) => cmd === 'puback').length === 2, 'both topics are known')
  // 1,000 of them are 60 MB to be kept, in 12 KB.
  client.send(...Array.from({ length: 1000 }, (_, i) => publish(1 + (i % 2), 3 + i)))
  await until(() => client.packets.filter(({ cmd }) => cmd === 'puback').length === 1002, 'all are answered')
})
