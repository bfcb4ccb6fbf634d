import assert from 'node:assert/strict'
import { connect } from 'node:net'
import path from 'node:path'
import { before, describe, test, type TestContext } from 'node:test'
import amqplib from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync } from 'mqtt'
import type { Broker } from '../../src/index.ts'
import { eventually, root, run, start, startTestBroker } from '../support/index.ts'

const main = path.join(root, 'src/cli/main.ts')

function cli(broker: Broker) {
  const env = { DRAGOMAN_URL: `http://${broker.address('http')}` }
  return {
    run: (...args: string[]) => run(process.execPath, [main, ...args], { env }),
    json: async (...args: string[]) =>
      JSON.parse((await run(process.execPath, [main, ...args, '--json'], { env })).stdout) as unknown,
    start: (...args: string[]) => start(process.execPath, [main, ...args], { env }),
  }
}

async function get(broker: Broker, target: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${broker.address('http')}${target}`)
  return { status: response.status, text: await response.text() }
}

// Hooks run in the order they were made, so a client's connection ends after the broker: that it is gone is fine.

test('probes, metrics, and a 404 that says what there is', async (t) => {
  const broker = await startTestBroker(t)
  assert.deepEqual(await get(broker, '/healthz'), { status: 200, text: 'ok\n' })
  assert.deepEqual(await get(broker, '/readyz'), { status: 200, text: 'ready\n' })
  const missing = await get(broker, '/nothing')
  assert.equal(missing.status, 404)
  assert.match(missing.text, /GET \/api\/topics/)
  const { text } = await get(broker, '/metrics')
  for (const line of text.trimEnd().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\]|\\.)*",?)+\})? (-?[\d.e+-]+|\+Inf|NaN))$/)
  }
  assert.match(text, /^dragoman_connections\{listener="kafka"\} 0$/m)
  assert.match(text, /^dragoman_commit_seconds_bucket\{le="\+Inf"\} \d+$/m)
})

test('a publish that is not JSON from our own tools is refused', async (t) => {
  const broker = await startTestBroker(t)
  const url = `http://${broker.address('http')}/api/publish`
  for (const [type, body] of [
    ['text/plain', '{"address":"a"}'],
    ['application/json', 'nonsense'],
    ['application/json', '{"address":1}'],
    ['application/json', '{}'],
    ['application/json', '{"address":"a","headers":{"x":1}}'],
  ] as const) {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
    assert.equal(response.status, 400, body)
  }
})

test('publish on the command line reaches a Kafka topic, and the listings show it', async (t) => {
  const broker = await startTestBroker(t)
  const { run: dragoman, json } = cli(broker)
  const nobody = await dragoman('publish', 'orders.eu', 'x')
  assert.match(nobody.stdout, /nobody listens at orders\.eu/)
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  t.after(() => admin.disconnect())
  await admin.createTopics({ topics: [{ topic: 'orders.eu', numPartitions: 2 }] })

  const published = await dragoman('publish', 'orders.eu', '{"id":1}', '--key', 'k', '--header', 'source=cli')
  assert.match(published.stdout, /stored in 1 logs/)
  const appended = (await json('publish', 'orders.eu', 'again', '--log')) as { offset: number }
  assert.equal(typeof appended.offset, 'number')

  const topics = (await json('topics', 'orders.#')) as { name: string; records: number; partitions: unknown[] }[]
  assert.deepEqual(
    topics.map(({ name, records, partitions }) => ({ name, records, partitions: partitions.length })),
    [{ name: 'orders.eu', records: 2, partitions: 2 }],
  )
  assert.deepEqual(await json('topics', 'nothing.#'), [])
  assert.match((await dragoman('topics')).stdout, /^NAME +PARTITIONS/)
  assert.match((await dragoman('status')).stdout, /listener|LISTENER/)
  const status = (await json('status')) as { ready: boolean; health: { state: string }; listeners: unknown[] }
  assert.deepEqual([status.ready, status.health.state, status.listeners.length], [true, 'ok', 5])
})

test('a group shows with its lag', async (t) => {
  const broker = await startTestBroker(t)
  const { json } = cli(broker)
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'events', messages: [{ value: '1' }, { value: '2' }, { value: '3' }] })
  await producer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  await admin.setOffsets({ groupId: 'readers', topic: 'events', partitions: [{ partition: 0, offset: '1' }] })
  await admin.disconnect()
  const listed = (await json('subscriptions', 'events')) as { log: string; name: string; lag: number }[]
  const [group] = listed.filter(({ name }) => name !== '')
  assert.deepEqual([group?.log, group?.name.endsWith('readers'), group?.lag], ['events', true, 2])
  const { text } = await get(broker, '/metrics')
  assert.match(text, /^dragoman_group_lag\{[^}]*log="events"[^}]*\} 2$/m)
  assert.match(text, /^dragoman_messages_in_total\{protocol="kafka"\} 3$/m)
})

test('tail shows what any protocol publishes', async (t) => {
  const broker = await startTestBroker(t)
  const { start: startCli } = cli(broker)
  const tail = startCli('tail', 'sensors.#', '--json', '--count', '2')
  t.after(() => tail.stop('SIGKILL'))
  const client = await connectAsync(`mqtt://${broker.address('mqtt')}`)
  t.after(() => client.endAsync(true))
  const connection = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  t.after(() => connection.close().catch(() => undefined))
  const channel = await connection.createChannel()
  await eventually(async () => {
    await client.publishAsync('sensors/a', 'from mqtt')
    channel.publish('amq.topic', 'sensors.b', Buffer.from('from amqp'), { contentType: 'text/plain' })
    return tail.child.exitCode !== null
  }, 'two messages')
  const lines = tail.stdout.trim().split('\n')
  const seen = lines.map((line) => JSON.parse(line) as { address: string; value: string })
  assert.equal(seen.length, 2)
  for (const { address, value } of seen) {
    assert.ok((address === 'sensors.a' && value === 'from mqtt') || (address === 'sensors.b' && value === 'from amqp'))
  }
  assert.equal((await tail.ended).code, 0)
})

test('tail shows the beginning of a message that is too long for it', async (t) => {
  const broker = await startTestBroker(t)
  const { start: startCli } = cli(broker)
  const tail = startCli('tail', '#', '--json', '--count', '1')
  t.after(() => tail.stop('SIGKILL'))
  const connection = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  t.after(() => connection.close().catch(() => undefined))
  const channel = await connection.createChannel()
  // JSON makes six characters of each.
  const zeros = Buffer.alloc(3 * 1024 * 1024)
  await eventually(async () => {
    channel.publish('amq.topic', 'large', zeros)
    await new Promise((resolve) => setTimeout(resolve, 200))
    return tail.child.exitCode !== null
  }, 'a message')
  const { value, bytes, encoding } = JSON.parse(tail.stdout) as { value: string; bytes: number; encoding: string }
  assert.deepEqual([value.length, bytes, encoding], [1024 * 1024, zeros.length, 'utf8'])
})

test('answers that wait behind others end with their connection', async (t) => {
  const broker = await startTestBroker(t)
  const url = new URL(`http://${broker.address('http')}/metrics`)
  const sessions = async (): Promise<number> => {
    const text = await (await fetch(url)).text()
    return Number(/^dragoman_sessions (\d+)$/m.exec(text)![1])
  }
  const before = await sessions()
  const socket = connect(Number(url.port), url.hostname)
  t.after(() => socket.destroy())
  socket.write('GET /api/tail HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20))
  await eventually(async () => (await sessions()) > before + 10, 'many tails')
  socket.destroy()
  await eventually(async () => (await sessions()) === before, 'none of them')
})

describe('dead letters', () => {
  let ready: ((t: TestContext) => Promise<Broker>) | undefined

  before(() => {
    ready = async (t) => {
      const broker = await startTestBroker(t)
      const connection = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`)
      t.after(() => connection.close().catch(() => undefined))
      const channel = await connection.createConfirmChannel()
      await channel.assertQueue('dead')
      await channel.assertQueue('jobs', {
        arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' },
      })
      for (const text of ['one', 'two', 'three']) channel.sendToQueue('jobs', Buffer.from(text), { headers: { text } })
      await channel.waitForConfirms()
      for (let count = 0; count < 3; count++) {
        const message = await channel.get('jobs')
        assert.ok(message !== false)
        channel.nack(message, false, false)
      }
      return broker
    }
  })

  test('list shows the queues, their sources, and each message with its reason', async (t) => {
    const broker = await ready!(t)
    const { json, run: dragoman } = cli(broker)
    await eventually(async () => {
      const queues = (await json('dlq', 'list')) as { queue: string; ready: number; sources: string[] }[]
      return queues.length === 1 && queues[0]?.ready === 3 && queues[0].sources.join() === 'jobs'
    }, 'three dead letters of jobs')
    const messages = (await json('dlq', 'list', 'dead')) as {
      value: string
      history: { log: string; reason: string }[]
    }[]
    assert.deepEqual(
      messages.map(({ value, history }) => [value, history[0]?.log, history[0]?.reason]),
      ['one', 'two', 'three'].map((text) => [text, 'jobs', 'rejected']),
    )
    assert.match((await dragoman('dlq', 'list', 'dead')).stdout, /rejected/)
    const queues = (await json('queues')) as { name: string; ready: number; deadLetter: string | null }[]
    assert.deepEqual(queues.map(({ name, ready: count, deadLetter }) => [name, count, deadLetter]).sort(), [
      ['dead', 3, null],
      ['jobs', 0, 'dead'],
    ])
  })

  test('redrive sends them back, whole, and at most as many as asked', async (t) => {
    const broker = await ready!(t)
    const { json } = cli(broker)
    await eventually(async () => ((await json('dlq', 'list', 'dead')) as unknown[]).length === 3, 'three dead letters')
    assert.deepEqual(await json('dlq', 'redrive', 'dead', '--limit', '2'), { moved: 2, left: [] })
    assert.deepEqual(await json('dlq', 'redrive', 'dead'), { moved: 1, left: [] })
    const connection = await amqplib.connect(`amqp://guest:guest@${broker.address('amqp')}`)
    t.after(() => connection.close().catch(() => undefined))
    const channel = await connection.createChannel()
    for (const text of ['one', 'two', 'three']) {
      const message = await channel.get('jobs', { noAck: true })
      assert.ok(message !== false)
      assert.deepEqual([message.content.toString(), message.properties.headers?.text], [text, text])
    }
    assert.equal(await channel.get('dead'), false)
  })

  test('an unknown queue is an error that says where to look', async (t) => {
    const broker = await startTestBroker(t)
    const env = { DRAGOMAN_URL: `http://${broker.address('http')}` }
    const { code, stderr } = await run(process.execPath, [main, 'dlq', 'redrive', 'nothing'], {
      env,
      allowFailure: true,
    })
    assert.equal(code, 1)
    assert.match(stderr, /there is no queue nothing; dragoman queues lists them/)
  })
})
