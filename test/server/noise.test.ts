import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import amqplib from 'amqplib'
import { connectAsync } from 'mqtt'
import type { Broker } from '../../src/index.ts'
import { startTestBroker } from '../support/index.ts'

type ListenerName = 'kafka' | 'amqp' | 'mqtt' | 'mqtt-ws' | 'http'

/** Sends noise and goes, whatever comes back. */
async function shout(broker: Broker, listener: ListenerName, noise: Buffer): Promise<void> {
  const socket = connect(broker.port(listener), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  socket.write(noise)
  await new Promise((resolve) => setTimeout(resolve, 5))
  socket.destroy()
}

test('random bytes on every port disturb nobody', async (t) => {
  const broker = await startTestBroker(t, { log: 'error' })
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  const connection = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  t.after(() => connection.close().catch(() => undefined))
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue('calm')
  const client = await connectAsync(`mqtt://${broker.address('mqtt')}`)
  t.after(() => client.endAsync(true))

  for (const listener of ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'] as const) {
    for (let round = 0; round < 40; round++) {
      await shout(broker, listener, randomBytes(1 + Math.floor(Math.random() * 2000)))
    }
  }
  await producer.send({ topic: 'calm', messages: [{ value: 'x' }] })
  channel.sendToQueue('calm', Buffer.from('x'))
  await channel.waitForConfirms()
  await client.publishAsync('calm', 'x', { qos: 1 })
  const metrics = await (await fetch(`http://${broker.address('http')}/metrics`)).text()
  for (const [line] of metrics.matchAll(/^dragoman_session_failures_total.*$/gm)) assert.match(line, / 0$/)
})
