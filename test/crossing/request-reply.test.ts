import assert from 'node:assert/strict'
import { test } from 'node:test'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import { startTestBroker } from '../support/index.ts'

test('an MQTT 5 requester, an AMQP responder', async (t) => {
  const broker = await startTestBroker(t)
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.topic', 'rpc.square')
  await channel.consume(queue, (request) => {
    const square = String(Number(request!.content.toString()) ** 2)
    const { replyTo, correlationId } = request!.properties as { replyTo: string; correlationId: string }
    channel.sendToQueue(replyTo, Buffer.from(square), { correlationId })
    channel.ack(request!)
  })

  const client = await mqtt.connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5, reconnectPeriod: 0 })
  await client.subscribeAsync('answers/me', { qos: 1 })
  const answer = new Promise<[string, string | undefined]>((resolve) => {
    client.on('message', (_topic, body, packet) => {
      resolve([body.toString(), packet.properties?.correlationData?.toString()])
    })
  })
  await client.publishAsync('rpc/square', '12', {
    qos: 1,
    properties: { responseTopic: 'answers/me', correlationData: Buffer.from('q1') },
  })
  assert.deepEqual(await answer, ['144', 'q1'])
  await client.endAsync()
  await connection.close()
})

test('an AMQP requester, an MQTT 5 responder', async (t) => {
  const broker = await startTestBroker(t)
  const client = await mqtt.connectAsync(`mqtt://${broker.address('mqtt')}`, { protocolVersion: 5, reconnectPeriod: 0 })
  client.on('message', (_topic, body, packet) => {
    const { responseTopic, correlationData } = packet.properties!
    client.publish(responseTopic!, String(Number(body.toString()) ** 2), {
      qos: 1,
      properties: { correlationData: correlationData! },
    })
  })
  await client.subscribeAsync('rpc/square', { qos: 1 })

  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  const answer = new Promise<[string, unknown]>((resolve) => {
    void channel.consume(
      queue,
      (reply) => {
        resolve([reply!.content.toString(), reply!.properties.correlationId])
      },
      { noAck: true },
    )
  })
  channel.publish('amq.topic', 'rpc.square', Buffer.from('12'), { replyTo: queue, correlationId: 'q2' })
  assert.deepEqual(await answer, ['144', 'q2'])
  await connection.close()
  await client.endAsync()
})
