import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'amqplib'
import { startTestBroker, temporaryFolder } from '../../support/index.ts'

test('a restart keeps durable queues, exchanges and messages; what was not durable is gone', async (t) => {
  const data = temporaryFolder(t)
  const first = await startTestBroker(t, { data })
  const connection = await connect(`amqp://guest:guest@${first.address('amqp')}`)
  const channel = await connection.createConfirmChannel()
  for (const [name, durable] of [
    ['kept', true],
    ['passing', false],
  ] as const) {
    await channel.assertQueue(name, { durable })
    await channel.assertExchange(`x-${name}`, 'fanout', { durable })
    await channel.bindQueue(name, `x-${name}`, '')
    channel.publish(`x-${name}`, '', Buffer.from(name), { persistent: true })
  }
  await channel.waitForConfirms()
  await connection.close()
  await first.stop()

  const second = await startTestBroker(t, { data })
  const again = await connect(`amqp://guest:guest@${second.address('amqp')}`)
  again.on('error', () => undefined)
  const kept = await again.createChannel()
  assert.equal((await kept.checkQueue('kept')).messageCount, 1)
  await kept.checkExchange('x-kept')
  for (const check of ['checkQueue', 'checkExchange'] as const) {
    const probe = await again.createChannel()
    probe.on('error', () => undefined)
    await assert.rejects(probe[check](check === 'checkQueue' ? 'passing' : 'x-passing'), /NOT_FOUND/)
  }
  // The name is free for one that is durable.
  await kept.assertQueue('passing', { durable: true })
  await again.close()
})
