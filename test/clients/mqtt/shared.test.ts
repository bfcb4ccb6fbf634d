import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestBroker } from '../../support/index.ts'
import { connect, persistent, quiet, raw, until, versions } from './support.ts'
import type { Client } from './support.ts'

for (const version of versions) {
  test(`MQTT ${version}: members of a share group take turns, others get everything`, async (t) => {
    const broker = await startTestBroker(t)
    const members: Client[] = []
    for (let i = 0; i < 3; i++) {
      const member = await connect(t, broker, { protocolVersion: version })
      await member.mqtt.subscribeAsync('$share/g/s/+', { qos: (i % 3) as 0 | 1 | 2 })
      members.push(member)
    }
    const other = await connect(t, broker, { protocolVersion: version })
    await other.mqtt.subscribeAsync('$share/other/s/#', { qos: 1 })
    const plain = await connect(t, broker, { protocolVersion: version })
    await plain.mqtt.subscribeAsync('s/#', { qos: 1 })
    const publisher = await connect(t, broker, { protocolVersion: version })
    const count = 90
    for (let i = 0; i < count; i++) await publisher.mqtt.publishAsync(`s/${i}`, 'x', { qos: (i % 3) as 0 | 1 | 2 })
    await plain.take(count)
    await other.take(count)
    const total = (): number => members.reduce((sum, member) => sum + member.received.length, 0)
    await until(() => total() >= count, 'all shared messages')
    await quiet(plain, count)
    assert.equal(total(), count)
    const topics = new Set(members.flatMap((member) => member.topics()))
    assert.equal(topics.size, count)
    for (const member of members) assert.ok(member.received.length > 0, 'each member has its turn')
  })

  test(`MQTT ${version}: what a member did not acknowledge goes to another; nobody there, it waits`, async (t) => {
    const broker = await startTestBroker(t)
    const filter = '$share/workers/jobs'
    const holding = await connect(t, broker, persistent(version, 'holding'))
    // MQTT.js acknowledges when this calls back: it never does
    holding.mqtt.handleMessage = () => undefined
    await holding.mqtt.subscribeAsync(filter, { qos: 1 })
    const publisher = await connect(t, broker, { protocolVersion: version })
    for (let i = 0; i < 10; i++) await publisher.mqtt.publishAsync('jobs', String(i), { qos: 1 })
    await holding.take(1)
    holding.mqtt.stream.destroy()
    await publisher.mqtt.publishAsync('jobs', '10', { qos: 1 })
    const worker = await connect(t, broker, { protocolVersion: version })
    await worker.mqtt.subscribeAsync(filter, { qos: 1 })
    await worker.take(11)
    assert.deepEqual(
      worker.received.map((r) => Number(r.text)).sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
    await worker.mqtt.unsubscribeAsync(filter)
    await publisher.mqtt.publishAsync('jobs', 'not for you', { qos: 1 })
    await quiet(worker, 11)
  })
}

test('who joins a share group later gets what waited there on its own terms', async (t) => {
  const broker = await startTestBroker(t)
  const filter = '$share/g/jobs'
  const first = await connect(t, broker, persistent(5, 'first'))
  await first.mqtt.subscribeAsync(filter, { qos: 2 })
  await first.end()
  const later = await connect(t, broker)
  await later.mqtt.publishAsync('jobs', 'x', { qos: 2 })
  await later.mqtt.subscribeAsync(filter, { qos: 0, properties: { subscriptionIdentifier: 7 } })
  const [message] = await later.take(1)
  assert.equal(message!.packet.qos, 0)
  assert.equal(message!.packet.properties?.subscriptionIdentifier, 7)
})

test('subscribing again to a share group takes no more than before', async (t) => {
  const broker = await startTestBroker(t)
  const filter = '$share/g/jobs'
  const greedy = await raw(t, broker)
  await greedy.connect('greedy', { properties: { receiveMaximum: 1 } })
  for (let i = 0; i < 5; i++) {
    greedy.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 1 }] })
    await greedy.next('suback')
    if (i === 4) break
    greedy.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [filter] })
    await greedy.next('unsuback')
  }
  const other = await connect(t, broker)
  for (let i = 0; i < 10; i++) await other.mqtt.publishAsync('jobs', String(i), { qos: 1 })
  await greedy.next('publish')
  await other.mqtt.subscribeAsync(filter, { qos: 1 })
  await other.take(9)
})
