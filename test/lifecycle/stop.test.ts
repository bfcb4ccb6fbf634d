/**
 * SIGTERM under the clients of the kill test: within ten seconds the process has ended with 0, and after the next start
 * these clients, which had no help, have seen all that was acknowledged.
 */
import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { test, type TestContext } from 'node:test'
import amqp from 'amqplib'
import { connectAsync } from 'mqtt'
import { eventually, run, root, spawnTestBroker, temporaryFolder } from '../support/index.ts'
import { Campaign } from '../crash/campaign.ts'
import { ackQueue, AmqpLoad } from '../crash/loads/amqp.ts'
import { KafkaLoad } from '../crash/loads/kafka.ts'
import { sleep, type Load } from '../crash/loads/load.ts'
import { MqttLoad } from '../crash/loads/mqtt.ts'
import { stablePorts, Victim } from '../crash/victim.ts'

const stopMsMax = 10_000
const stops = 3

/** SIGTERM; the exit code must be 0, in time. */
async function stopped(victim: Victim): Promise<number> {
  const began = performance.now()
  const { code, stderr } = await victim.stop()
  const tookMs = performance.now() - began
  assert.equal(code, 0, stderr)
  assert.ok(tookMs < stopMsMax, `it took ${tookMs.toFixed(0)} ms`)
  return tookMs
}

/** Ends all of it with the test. */
function stage(t: TestContext): { data: string; loads: Load[]; victims: Victim[] } {
  const loads: Load[] = []
  const victims: Victim[] = []
  const data = temporaryFolder(t, async () => {
    await Promise.allSettled(loads.map((load) => load.close()))
    await Promise.all(victims.map((victim) => victim.end()))
  })
  return { data, loads, victims }
}

test('SIGTERM under load, and in a start', { timeout: 120_000 }, async (t) => {
  await run(process.execPath, ['scripts/build.mjs', '--bundle-only'], { cwd: root })
  const { data, loads, victims } = stage(t)
  const ports = await stablePorts(Math.random)
  const victim = new Victim(data, ports)
  victims.push(victim)
  loads.push(new KafkaLoad(), new AmqpLoad([ackQueue]), new MqttLoad(1), new MqttLoad(2))
  const campaign = new Campaign(victim, Math.random)
  await campaign.begin(loads, ports)
  const took: number[] = []
  for (let i = 0; i < stops; i++) {
    await sleep(700)
    took.push(await stopped(victim))
    // In its start: 0 as soon as signals are its own, which they are before it touches the data folder.
    victim.launch()
    await sleep((victim.startMs * (i + 1)) / (stops + 1))
    const { code, stderr } = await victim.stop()
    assert.ok(code === 0 || code === null, `${code} ${stderr}`)
    await victim.ready()
  }
  await campaign.settle(loads, 60_000)
  took.push(await stopped(victim))
  const acked = loads.flatMap((load) => load.counts()).reduce((sum, counts) => sum + counts.acked, 0)
  t.diagnostic(`SIGTERM under load: ${took.map((ms) => ms.toFixed(0)).join(', ')} ms; ${acked} acked, 0 lost`)
})

/** Subscribers that never read, with much to be sent to them: theirs is lost or kept as their protocol says. */
test('SIGTERM with consumers that do not read and a large output that is not sent', { timeout: 120_000 }, async (t) => {
  const broker = await spawnTestBroker(t)
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  connection.on('error', () => undefined)
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => undefined)
  await channel.assertQueue('stop.slow', { durable: true })
  const body = Buffer.alloc(100_000, 'x')
  const count = 200
  for (let n = 0; n < count; n++) channel.sendToQueue('stop.slow', body, { persistent: true })
  await channel.waitForConfirms()
  const slow = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  slow.on('error', () => undefined)
  const slowChannel = await slow.createChannel()
  slowChannel.on('error', () => undefined)
  const stream = (slow as unknown as { connection: { stream: { pause(): void; destroy(): void } } }).connection.stream
  // Its answer is the last that this client reads.
  await slowChannel.consume('stop.slow', () => stream.pause())
  await sleep(1000)
  const began = performance.now()
  const { code, stderr } = await broker.process.stop('SIGTERM')
  const tookMs = performance.now() - began
  assert.equal(code, 0, stderr)
  assert.ok(tookMs < stopMsMax, `it took ${tookMs.toFixed(0)} ms`)
  stream.destroy()
  const again = await spawnTestBroker(t, { data: broker.data })
  const after = await amqp.connect(`amqp://guest:guest@${again.address('amqp')}`)
  assert.equal((await (await after.createChannel()).checkQueue('stop.slow')).messageCount, count)
  await after.close()
  t.diagnostic(
    `SIGTERM with ${(count * body.length) / 1e6} MB for a consumer that does not read: ${tookMs.toFixed(0)} ms`,
  )
})

test('a second SIGTERM ends it at once, and what was acknowledged is there', { timeout: 120_000 }, async (t) => {
  const broker = await spawnTestBroker(t)
  const keeper = { clientId: 'stop', clean: false, reconnectPeriod: 0 }
  const session = await connectAsync(`mqtt://${broker.address('mqtt')}`, keeper)
  await session.subscribeAsync('stop/#', { qos: 1 })
  await session.endAsync()
  const publisher = await connectAsync(`mqtt://${broker.address('mqtt')}`, { reconnectPeriod: 0 })
  publisher.on('error', () => undefined)
  for (let n = 0; n < 50; n++) await publisher.publishAsync('stop/n', String(n), { qos: 1 })
  // Somebody who says nothing and does not go.
  const mute = connectTcp(broker.port('kafka'), '127.0.0.1').on('error', () => undefined)
  broker.process.child.kill('SIGTERM')
  await sleep(100)
  const began = performance.now()
  await broker.process.stop('SIGTERM')
  assert.ok(performance.now() - began < 5000, 'at once')
  mute.destroy()
  await publisher.endAsync(true)
  const again = await spawnTestBroker(t, { data: broker.data })
  const came: string[] = []
  const { connect } = await import('mqtt')
  const client = connect(`mqtt://${again.address('mqtt')}`, keeper)
  client.on('message', (_topic, body) => came.push(body.toString()))
  await eventually(() => new Set(came).size === 50, 'all 50 messages')
  await client.endAsync()
})
