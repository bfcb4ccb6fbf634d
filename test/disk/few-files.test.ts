import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect } from 'amqplib'
import { eventually, spawnTestBroker } from '../support/index.ts'
import { readEverything, startPublishers } from './publishers.ts'

const filesMax = 160
const flood = 400
const queues = 60

/** As many connections as come, open for as long as the broker leaves them. */
function openAll(port: number): { sockets: Socket[]; open(): number } {
  const sockets = Array.from({ length: flood }, () => connectTcp(port, '127.0.0.1'))
  const open = new Set(sockets)
  for (const socket of sockets) {
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.resume()
  }
  return { sockets, open: () => open.size }
}

test('a process that may open few files refuses connections, never a write, and serves those it has', async (t) => {
  const flags = ['--set', 'storage.segmentBytes=2 MiB']
  const broker = await spawnTestBroker(t, { filesMax, flags })
  const { all, stop } = await startPublishers(t, broker)
  const each = (count: number): boolean => all.every(({ acked }) => acked.length >= count)
  await eventually(() => each(20), 'all publish', 60_000)

  const attackers = openAll(broker.port('mqtt'))
  t.after(() => attackers.sockets.forEach((socket) => socket.destroy()))
  await eventually(() => attackers.open() < filesMax, 'the others are refused', 30_000)
  await broker.process.waitFor(/connection refused: limits.connectionsMax are open/, 10_000, 'stderr')

  // The log needs files meanwhile: segments are filled, queues are made, old messages are read.
  const before = all.map(({ acked }) => acked.length)
  await eventually(() => all.every(({ acked }, i) => acked.length >= before[i]! + 100), 'they publish on', 60_000)
  assert.deepEqual(
    all.flatMap(({ told }) => [...told.keys()]),
    [],
    'nobody is refused anything',
  )

  for (const socket of attackers.sockets) socket.destroy()
  const amqp = await eventually(() => connect(`amqp://${broker.address('amqp')}`).catch(() => null), 'there is room')
  const channel = await amqp.createConfirmChannel()
  const body = Buffer.alloc(100_000, 1)
  for (let i = 0; i < queues; i++) {
    await channel.assertQueue(`few.${i}`, { durable: true })
    channel.sendToQueue(`few.${i}`, body, { persistent: true })
  }
  await channel.waitForConfirms()
  await amqp.close()
  await stop()
  const found = await readEverything(broker)
  assert.deepEqual(
    all.flatMap(({ acked }) => acked.filter((text) => !found.has(text))),
    [],
    'what was acknowledged is there',
  )
  assert.equal(broker.process.child.exitCode, null, 'it stays')
})
