import assert from 'node:assert/strict'
import { test } from 'node:test'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import type { IPublishPacket } from 'mqtt'
import { eventually, startTestBroker } from '../support/index.ts'
import { kafkaClient } from './parties.ts'

type Packets = Record<string, IPublishPacket>

test('what MQTT cannot say of a message is left out, and nobody loses the broker over it', async (t) => {
  const broker = await startTestBroker(t)
  const packets: Packets = {}
  const client = await mqtt.connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5, reconnectPeriod: 0 })
  t.after(() => client.end(true))
  client.on('message', (_topic, payload, packet) => void (packets[payload.toString()] = packet))
  await client.subscribeAsync('#', { qos: 1 })

  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createConfirmChannel()
  channel.publish('amq.topic', 'a', Buffer.from('amqp expiration'), { expiration: '5000000000000' })
  channel.publish('amq.topic', 'a', Buffer.from('amqp U+0000'), {
    ...{ contentType: 'a\0b', replyTo: 'a\0b', appId: 'a\0b' },
  })
  channel.publish('amq.topic', 'a', Buffer.from('amqp wildcard'), { replyTo: 'a#b' })
  await channel.waitForConfirms()
  await connection.close()

  const kafka = kafkaClient(broker)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'k', numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const long = 'x'.repeat(70_000)
  for (const name of ['content-type', 'correlation-id', 'reply-to', 'message-id', 'other']) {
    await producer.send({ topic: 'k', messages: [{ value: `kafka ${name}`, headers: { [name]: long } }] })
  }
  await producer.send({ topic: 'k', messages: [{ value: 'kafka ttl', headers: { 'ttl-ms': '999999999999999' } }] })

  await producer.disconnect()
  const posted = await fetch(`http://${broker.address('http')}/api/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: 'h', value: 'http', contentType: long }),
  })
  assert.equal(posted.status, 200, await posted.text())

  client.publish('m', 'after all that')
  await eventually(() => 'after all that' in packets, 'the last message')
  const propertiesOf = (body: string): object => ({ ...packets[body]?.properties })
  assert.deepEqual(propertiesOf('amqp U+0000'), { responseTopic: '$log/a%00b' })
  assert.deepEqual(propertiesOf('amqp wildcard'), {})
  const mostSeconds = { messageExpiryInterval: 0xffff_ffff }
  assert.deepEqual(propertiesOf('amqp expiration'), mostSeconds)
  assert.deepEqual(propertiesOf('kafka ttl'), mostSeconds)
  for (const body of ['kafka content-type', 'kafka correlation-id', 'http']) {
    assert.deepEqual(propertiesOf(body), {}, body)
  }
  for (const name of ['reply-to', 'message-id', 'other']) assert.deepEqual(propertiesOf(`kafka ${name}`), {}, name)
  assert.equal(Object.keys(packets).length, 11)
})
