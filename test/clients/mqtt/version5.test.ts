import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestBroker } from '../../support/index.ts'
import { connect, persistent, quiet, raw, sleep } from './support.ts'

test('CONNACK says what this server is', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  const connack = await client.connect('', { properties: { sessionExpiryInterval: 7 } })
  const properties = connack.properties as Record<string, unknown>
  assert.match(String(properties.assignedClientIdentifier), /^auto-[0-9a-f]{24}$/)
  assert.ok(Number(properties.receiveMaximum) > 0)
  assert.ok(Number(properties.maximumPacketSize) >= 1024)
  assert.ok(Number(properties.topicAliasMaximum) > 0)
  // not said: as asked, and everything available
  for (const name of ['sessionExpiryInterval', 'maximumQoS', 'retainAvailable', 'sharedSubscriptionAvailable']) {
    assert.equal(properties[name], undefined, name)
  }
})

test('topic aliases of the client, and of the server', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  await client.connect('aliases', { properties: { topicAliasMaximum: 1 } })
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'alias/#', qos: 0 }] })
  await client.next('suback')
  const publish = { cmd: 'publish', payload: 'x', qos: 0, dup: false, retain: false }
  client.send(
    { ...publish, topic: 'alias/1', properties: { topicAlias: 4 } },
    { ...publish, topic: '', properties: { topicAlias: 4 } },
    { ...publish, topic: 'alias/2', properties: { topicAlias: 4 } },
    { ...publish, topic: '', properties: { topicAlias: 4 } },
  )
  const seen = []
  for (let i = 0; i < 4; i++) {
    const { topic, properties } = await client.next('publish')
    seen.push([topic, (properties as { topicAlias?: number } | undefined)?.topicAlias])
  }
  assert.deepEqual(seen, [
    ['alias/1', 1],
    ['', 1],
    ['alias/2', undefined],
    ['alias/2', undefined],
  ])
  client.send({ ...publish, topic: '', properties: { topicAlias: 5 } })
  assert.equal((await client.next('disconnect')).reasonCode, 0x82)
  const greedy = await raw(t, broker)
  await greedy.connect('greedy')
  greedy.send({ ...publish, topic: 'a', properties: { topicAlias: 65_535 } })
  assert.equal((await greedy.next('disconnect')).reasonCode, 0x94)
})

for (const [name, fields] of [
  ['a clean session', {}],
  ['a persistent one', { clean: false, properties: { sessionExpiryInterval: 100 } }],
] as const) {
  test(`receive maximum of the client holds back what it could not take: ${name}`, async (t) => {
    const broker = await startTestBroker(t)
    const client = await raw(t, broker)
    const properties = { ...(fields as { properties?: object }).properties, receiveMaximum: 2 }
    await client.connect('narrow', { ...fields, properties })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'n', qos: 2 }] })
    await client.next('suback')
    const publisher = await connect(t, broker)
    for (let i = 0; i < 6; i++) await publisher.mqtt.publishAsync('n', String(i), { qos: (1 + (i % 2)) as 1 | 2 })
    await sleep(100)
    const texts: string[] = []
    for (let i = 0; i < 6; i += 2) {
      assert.equal(client.packets.filter(({ cmd }) => cmd === 'publish').length, 2, `round ${i}`)
      const one = await client.next('publish')
      const two = await client.next('publish')
      texts.push(String(one.payload), String(two.payload))
      client.send({ cmd: 'pubrec', messageId: two.messageId })
      await client.next('pubrel')
      await sleep(30)
      assert.equal(client.packets.length, 0, 'PUBREC gives no quota back')
      client.send({ cmd: 'puback', messageId: one.messageId }, { cmd: 'pubcomp', messageId: two.messageId })
      await sleep(60)
    }
    assert.deepEqual(texts, ['0', '1', '2', '3', '4', '5'])
  })
}

test('receive maximum of the server: one too many ends the connection with 0x93', async (t) => {
  const broker = await startTestBroker(t, { settings: { protocols: { mqtt: { receiveMaximum: 3 } } } })
  const client = await raw(t, broker)
  await client.connect('pushy')
  const publish = { cmd: 'publish', topic: 'x', payload: 'x', qos: 2, dup: false, retain: false }
  for (const messageId of [1, 2, 3]) client.send({ ...publish, messageId })
  for (let i = 0; i < 3; i++) await client.next('pubrec')
  client.send({ cmd: 'pubrel', messageId: 1 })
  await client.next('pubcomp')
  client.send({ ...publish, messageId: 4 })
  await client.next('pubrec')
  client.send({ ...publish, messageId: 5 })
  assert.equal((await client.next('disconnect')).reasonCode, 0x93)
})

test('message expiry: counted down on the way, and gone when it is over', async (t) => {
  const broker = await startTestBroker(t)
  const options = persistent(5, 'expiry')
  const first = await connect(t, broker, options)
  await first.mqtt.subscribeAsync('e', { qos: 1 })
  await first.end()
  const publisher = await connect(t, broker)
  await publisher.mqtt.publishAsync('e', 'brief', { qos: 1, properties: { messageExpiryInterval: 1 } })
  await publisher.mqtt.publishAsync('e', 'long', { qos: 1, properties: { messageExpiryInterval: 60 } })
  await publisher.mqtt.publishAsync('e', 'for ever', { qos: 1 })
  await sleep(1300)
  const second = await connect(t, broker, options)
  const received = await second.take(2)
  await quiet(second, 2)
  assert.deepEqual(
    received.map((r) => r.text),
    ['long', 'for ever'],
  )
  const left = received[0]!.packet.properties!.messageExpiryInterval!
  assert.ok(left >= 57 && left <= 59, `${left}`)
  assert.equal(received[1]!.packet.properties?.messageExpiryInterval, undefined)
})

test('a message larger than the client takes is left out, and does not block the next (MQTT-3.1.2-24)', async (t) => {
  const broker = await startTestBroker(t)
  for (const session of [{}, { clean: false, properties: { sessionExpiryInterval: 100 } }]) {
    const { properties, ...rest } = session as { properties?: object }
    const client = await raw(t, broker)
    await client.connect('small', { ...rest, properties: { ...properties, maximumPacketSize: 100 } })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'm', qos: 1 }] })
    await client.next('suback')
    const publisher = await connect(t, broker)
    for (const bytes of [10, 200, 20]) await publisher.mqtt.publishAsync('m', Buffer.alloc(bytes, 'x'), { qos: 1 })
    for (const bytes of [10, 20]) {
      const packet = await client.next('publish')
      assert.equal((packet.payload as Buffer).length, bytes)
      client.send({ cmd: 'puback', messageId: packet.messageId })
    }
    client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    await client.end()
  }
})

test('request and response: response topic and correlation data arrive as they were', async (t) => {
  const broker = await startTestBroker(t)
  const responder = await connect(t, broker)
  await responder.mqtt.subscribeAsync('service', { qos: 1 })
  responder.mqtt.on('message', (_topic, payload, { properties }) => {
    const { responseTopic, correlationData } = properties!
    responder.mqtt.publish(responseTopic!, `re: ${String(payload)}`, {
      qos: 1,
      properties: { correlationData: correlationData! },
    })
  })
  const requester = await connect(t, broker)
  await requester.mqtt.subscribeAsync('answers/+', { qos: 1 })
  const correlationData = Buffer.from([0, 1, 254, 255])
  await requester.mqtt.publishAsync('service', 'ping', {
    qos: 1,
    properties: { responseTopic: 'answers/mine', correlationData },
  })
  const [answer] = await requester.take(1)
  assert.deepEqual([answer!.topic, answer!.text], ['answers/mine', 're: ping'])
  assert.deepEqual(answer!.packet.properties!.correlationData, correlationData)
})

test('user properties keep their order and repeats', async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker)
  await client.mqtt.subscribeAsync('u', { qos: 0 })
  const userProperties = { b: ['2', '1'], a: 'ä', '': '', type: ['t', 'u'], priority: 'high' }
  await client.mqtt.publishAsync('u', 'x', { qos: 0, properties: { userProperties } })
  const [message] = await client.take(1)
  assert.deepEqual({ ...message!.packet.properties!.userProperties }, userProperties)
})

test('what the operator caps is said: keep alive and session expiry', async (t) => {
  const mqtt = { keepAliveSecondsMax: 60, sessionExpirySecondsMax: 1000 }
  const broker = await startTestBroker(t, { settings: { protocols: { mqtt } } })
  const capped = async (keepalive: number, sessionExpiryInterval: number): Promise<unknown[]> => {
    const client = await raw(t, broker)
    const { properties } = await client.connect('capped', { keepalive, properties: { sessionExpiryInterval } })
    const said = properties as Record<string, unknown>
    return [said.serverKeepAlive, said.sessionExpiryInterval]
  }
  assert.deepEqual(await capped(120, 4_294_967_295), [60, 1000])
  assert.deepEqual(await capped(0, 2000), [60, 1000])
  assert.deepEqual(await capped(30, 900), [undefined, undefined])
})

test('enhanced authentication is refused by name', async (t) => {
  const broker = await startTestBroker(t)
  const client = await raw(t, broker)
  const connack = await client.connect('auth', { properties: { authenticationMethod: 'SCRAM' } })
  assert.equal(connack.reasonCode, 0x8c)
  await client.end()
})

test('maximum packet size is kept to the byte, with and without topic aliases (MQTT-3.1.2-24)', async (t) => {
  const broker = await startTestBroker(t)
  const publisher = await connect(t, broker)
  for (const topicAliasMaximum of [0, 5]) {
    const client = await raw(t, broker)
    await client.connect('exact', { properties: { maximumPacketSize: 100, topicAliasMaximum } })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'long/+', qos: 0 }] })
    await client.next('suback')
    // 1 type, 1 length, 2 + 6 topic, 1 length of the properties
    const most = 100 - 11
    const send = (bytes: number) => publisher.mqtt.publishAsync('long/1', Buffer.alloc(bytes), { qos: 1 })
    for (const bytes of [most, most - 2, most - 3, most + 1, most + 3, most + 4, 0]) await send(bytes)
    const expected = [most, most - 2, most - 3, ...(topicAliasMaximum > 0 ? [most + 1, most + 3] : []), 0]
    for (const bytes of expected) assert.equal(((await client.next('publish')).payload as Buffer).length, bytes)
    client.drop()
  }
})
