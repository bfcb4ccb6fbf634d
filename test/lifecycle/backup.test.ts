import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import amqplib from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connect } from 'mqtt'
import type { Broker } from '../../src/index.ts'
import { eventually, root, run, spawnTestBroker, start, startTestBroker, temporaryFolder } from '../support/index.ts'
import type { RunResult, SpawnedBroker } from '../support/index.ts'
import { session, Traffic, type Counts } from './traffic.ts'

const main = path.join(root, 'src/cli/main.ts')
const timeoutMs = 120_000

const urlOf = (broker: SpawnedBroker | Broker): Record<string, string> => ({
  DRAGOMAN_URL: `http://${broker.address('http')}`,
})

const dragoman = (args: string[], env: Record<string, string> = {}): Promise<RunResult> =>
  run(process.execPath, [main, ...args], { env, allowFailure: true, timeoutMs })

/** Reads everything of a Kafka topic: the numbers in it. */
async function readTopic(t: TestContext, broker: Broker, below: number): Promise<number[]> {
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'audit' })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: 'numbers', fromBeginning: true })
  const read: number[] = []
  await consumer.run({
    eachMessage: ({ message }) => {
      read.push(parseInt(message.value!.toString()))
      return Promise.resolve()
    },
  })
  await eventually(() => read.length >= below, `${below} records of the topic`, 60_000)
  await consumer.disconnect()
  return read
}

async function committedOffset(broker: Broker): Promise<number> {
  const admin = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const [topic] = await admin.fetchOffsets({ groupId: 'readers', topics: ['numbers'] })
  await admin.disconnect()
  return Number(topic!.partitions[0]!.offset)
}

async function readQueue(broker: Broker): Promise<number[]> {
  const connection = await amqplib.connect(`amqp://${broker.address('amqp')}`)
  const channel = await connection.createChannel()
  const read: number[] = []
  for (;;) {
    const message = await channel.get('work', { noAck: true })
    if (message === false) break
    read.push(parseInt(message.content.toString()))
  }
  await connection.close()
  return read
}

/** What the session that was absent gets, and what a new subscriber finds retained. */
async function readMqtt(broker: Broker, expected: number): Promise<{ got: number[]; retained: number }> {
  const url = `mqtt://${broker.address('mqtt')}`
  const got: number[] = []
  const client = connect(url, session)
  client.on('message', (_topic, payload) => got.push(parseInt(payload.toString())))
  await eventually(() => got.length >= expected, `${expected} messages of the session`, 60_000)
  await client.endAsync()
  const found: number[] = []
  const fresh = connect(url)
  fresh.on('message', (_topic, payload) => found.push(parseInt(payload.toString())))
  await fresh.subscribeAsync('state/now')
  await eventually(() => found.length > 0, 'the retained message')
  await fresh.endAsync()
  return { got, retained: found[0]! }
}

const upTo = (numbers: readonly number[], least: number, most: number, what: string): void => {
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index),
    `${what}: in order, each once`,
  )
  assert.ok(numbers.length >= least && numbers.length <= most, `${what}: ${least} <= ${numbers.length} <= ${most}`)
}

async function audit(t: TestContext, data: string, before: Counts, after: Counts): Promise<void> {
  const broker = await startTestBroker(t, { data })
  upTo(await readTopic(t, broker, before.kafka.acked), before.kafka.acked, after.kafka.begun, 'Kafka')
  const offset = await committedOffset(broker)
  assert.ok(offset >= before.committed.acked - 1 && offset < after.committed.begun, `offset ${offset}`)
  const queue = await readQueue(broker)
  assert.deepEqual(
    queue,
    [...new Set(queue)].sort((a, b) => a - b),
    'AMQP: in order, each once',
  )
  // Whether an acknowledgement of a consumer was in time is nobody's to know; what was not acknowledged must be there.
  const odd = queue.filter((value) => value % 2 === 1)
  upTo(
    odd.map((value) => (value - 1) / 2),
    Math.floor(before.amqp.acked / 2),
    Math.ceil(after.amqp.begun / 2),
    'AMQP',
  )
  const { got, retained } = await readMqtt(broker, before.mqtt.acked)
  upTo(got, before.mqtt.acked, after.mqtt.begun, 'MQTT session')
  assert.ok(retained >= before.mqtt.acked - 1 && retained < after.mqtt.begun, `retained ${retained}`)
  await broker.stop()
}

const percentile = (values: number[], share: number): string =>
  (values.sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0).toFixed(0)

test('backups while clients of all protocols publish: each has all that was acknowledged before it, and restores', async (t) => {
  const folder = temporaryFolder(t)
  const broker = await spawnTestBroker(t, { flags: ['--set', 'storage.segmentBytes=4MiB'] })
  const traffic = new Traffic(t, broker)
  await traffic.start()
  const taken: { file: string; before: Counts; after: Counts }[] = []
  await eventually(() => traffic.counts.kafka.acked > 200, 'some traffic', 60_000)
  const quiet = traffic.kafkaMs.splice(0)
  for (let n = 0; n < 4; n++) {
    const file = path.join(folder, `${n}.tar`)
    const before = structuredClone(traffic.counts)
    const { stdout, stderr, code } = await dragoman(['backup', file, '--json'], urlOf(broker))
    assert.equal(code, 0, stderr)
    assert.equal((JSON.parse(stdout) as { file: string }).file, file)
    taken.push({ file, before, after: structuredClone(traffic.counts) })
  }
  const during = traffic.kafkaMs.splice(0)
  await traffic.stop()
  const { kafka, committed, amqp, mqtt } = traffic.counts
  const sent = kafka.acked + committed.acked + amqp.acked + mqtt.acked
  t.diagnostic(
    `${sent} acknowledged; Kafka p99 ${percentile(quiet, 0.99)} ms alone, ${percentile(during, 0.99)} beside 4 backups`,
  )
  const metrics = await (await fetch(`http://${broker.address('http')}/metrics`)).text()
  assert.match(metrics, /^dragoman_backups 0$/m)
  assert.match(metrics, /^dragoman_backup_held_bytes 0$/m)
  for (const { file, before, after } of [taken[0]!, taken[3]!]) {
    const data = path.join(folder, `restored-${path.basename(file)}`)
    const restored = await dragoman(['restore', file, '--data', data])
    assert.equal(restored.code, 0, restored.stderr)
    assert.match(restored.stdout, /all whole/)
    await audit(t, data, before, after)
  }
})

test('a broker that does not run: from its folder; one that runs keeps it', async (t) => {
  const folder = temporaryFolder(t)
  const broker = await startTestBroker(t)
  const file = path.join(folder, 'a.tar')
  const data = /data folder (\S+) is in use/
  const env = urlOf(broker)
  await dragoman(['publish', 'orders', 'one'], env)
  const first = await dragoman(['backup', file], env)
  assert.equal(first.code, 0, first.stderr)
  const again = await dragoman(['backup', file], env)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /is there already/)
  const one = path.join(folder, 'one')
  assert.equal((await dragoman(['restore', file, '--data', one])).code, 0)
  const full = await dragoman(['restore', file, '--data', one])
  assert.match(full.stderr, /is not empty/)
  const holder = await startTestBroker(t, { data: one })
  const used = await dragoman(['backup', path.join(folder, 'b.tar'), '--data', one])
  assert.match(used.stderr, data)
  await holder.stop()
  const stopped = await dragoman(['backup', '-', '--data', one, '--json'])
  assert.equal(stopped.code, 0, stopped.stderr)
  assert.deepEqual(readdirSync(folder).sort(), ['a.tar', 'one'], 'nothing half-written stays')
})

test('in memory, without a broker, and with an archive that is bad: said in a sentence, and nothing stays', async (t) => {
  const folder = temporaryFolder(t)
  const inMemory = await startTestBroker(t, { data: 'memory' })
  const file = path.join(folder, 'a.tar')
  assert.match((await dragoman(['backup', file], urlOf(inMemory))).stderr, /in memory/)
  assert.match((await dragoman(['backup', file], { DRAGOMAN_URL: 'http://127.0.0.1:1' })).stderr, /no broker answers/)
  assert.match((await dragoman(['backup', '--help'])).stdout, /usage: dragoman backup FILE/)
  assert.match((await dragoman(['restore', '--help'])).stdout, /NEWDIR/)
  const broker = await startTestBroker(t)
  const made = await dragoman(['backup', file], urlOf(broker))
  assert.equal(made.code, 0, made.stderr)
  const whole = readFileSync(file)
  const bad = path.join(folder, 'bad.tar')
  const flipped = Buffer.from(whole)
  flipped[whole.length >> 1]! ^= 1
  for (const [bytes, why] of [
    [whole.subarray(0, whole.length - 2000), /cut short|should follow/],
    [flipped, /checksum/],
    [Buffer.alloc(5000, 'x'), /not the header of a tar entry/],
  ] as const) {
    writeFileSync(bad, bytes)
    const refused = await dragoman(['restore', bad, '--data', path.join(folder, 'new')])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, why)
    assert.ok(!existsSync(path.join(folder, 'new')))
  }
})

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0

function smallDisk(t: TestContext, kilobytes: number): string | null {
  const folder = mkdtempSync(path.join(tmpdir(), 'dragoman-'))
  if (!mount('-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder)) {
    rmdirSync(folder)
    return null
  }
  t.after(() => {
    spawnSync('umount', ['-l', folder])
    rmdirSync(folder)
  })
  return folder
}

test('a target without space and a Ctrl-C in the middle leave nothing behind, here and in the broker', async (t) => {
  const folder = temporaryFolder(t)
  const broker = await startTestBroker(t)
  const env = urlOf(broker)
  const topic = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const producer = topic.producer()
  await producer.connect()
  t.after(() => producer.disconnect())
  const value = Buffer.alloc(900_000, 'v')
  for (let n = 0; n < 30; n++) await producer.send({ topic: 'large', messages: [{ value }] })

  const count = async (): Promise<number> => {
    const metrics = await (await fetch(`http://${broker.address('http')}/metrics`)).text()
    return Number(/^dragoman_backups (\d+)$/m.exec(metrics)![1])
  }
  // Nobody reads: the backups wait in the middle, and are held in the broker until the clients are gone.
  const leave = new AbortController()
  t.after(() => leave.abort())
  const ask = (): Promise<Response> =>
    fetch(`${env.DRAGOMAN_URL}/api/backup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: leave.signal,
    })
  // Kept until the end of it: fetch lets go of the body of an answer that nobody has any more.
  const held = [await ask(), await ask()]
  assert.equal(await count(), 2)
  const third = await dragoman(['backup', '-'], env)
  assert.match(third.stderr, /2 backups are being made already/)
  assert.deepEqual(
    held.map(({ status, bodyUsed }) => [status, bodyUsed]),
    [
      [200, false],
      [200, false],
    ],
  )
  leave.abort()
  await eventually(async () => (await count()) === 0, 'no backup is held', 60_000)
  const restoring = start(process.execPath, [main, 'restore', '-', '--data', path.join(folder, 'new')])
  t.after(() => restoring.stop('SIGKILL'))
  await eventually(() => existsSync(path.join(folder, 'new', 'restore.partial')), 'a restore that waits', 60_000)
  assert.equal((await restoring.stop('SIGINT')).code, 130)
  assert.deepEqual(readdirSync(folder), [])

  const small = smallDisk(t, 8192)
  if (small === null) return t.skip('mount: only root may make a small file system')
  const file = path.join(folder, 'a.tar')
  const noSpace = await dragoman(['backup', path.join(small, 'a.tar')], env)
  assert.equal(noSpace.code, 1)
  assert.match(noSpace.stderr, /ENOSPC|no space/)
  assert.equal((await dragoman(['backup', file], env)).code, 0)
  const tooLarge = await dragoman(['restore', file, '--data', path.join(small, 'new')])
  assert.match(tooLarge.stderr, /ENOSPC|no space/)
  assert.deepEqual(readdirSync(small), [])
  const backing = start(process.execPath, [main, 'backup', path.join(folder, 'b.tar')], { env })
  t.after(() => backing.stop('SIGKILL'))
  await eventually(() => readdirSync(folder).length === 2, 'a backup under way', 60_000)
  const ended = await backing.stop('SIGINT')
  assert.ok(!readdirSync(folder).some((name) => name.endsWith('.partial')), JSON.stringify(ended))
})
