import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { noCompiler, spawnTestBroker, temporaryFolder, type SpawnedBroker } from '../support/index.ts'
import { errno, failingDisk, type Faults } from './failing-disk.ts'
import { throughTrouble, type Trouble } from './through-trouble.ts'

const skip = noCompiler()

/** Small segments, so that a run rolls into new ones. */
const sizes = { DRAGOMAN_STORAGE_SEGMENT_BYTES: '2 MiB', DRAGOMAN_STORAGE_TAIL_BYTES: '1 MiB' }

async function onFailingDisk(t: TestContext): Promise<{ broker: SpawnedBroker; set: (faults: Faults) => void }> {
  const started: { broker?: SpawnedBroker } = {}
  const folder = temporaryFolder(t, async () => started.broker?.kill())
  const data = path.join(folder, 'data')
  const { env, set } = failingDisk(folder, data)
  const broker = (started.broker = await spawnTestBroker(t, { data, env: { ...env, ...sizes } }))
  return { broker, set }
}

/** The storage has failed: clients are let go, each by its protocol's own means. */
const failed = {
  told: { kafka: /Disk error|no leader/, amqp: /CONNECTION-FORCED/, mqtt: /DISCONNECT 0x89/ },
  line: /the storage has failed/,
  health: 503,
} as const satisfies Partial<Trouble>

/** The default run takes the first; `TEST_DISK=full` all of them. */
const cases: [string, Faults][] = [
  ['each sync is an I/O error', { sync: errno.EIO, write: errno.EIO }],
  ['each write is an I/O error, and nothing can be read either', { write: errno.EIO, read: errno.EIO }],
  ['the file system has become read-only', { write: errno.EROFS, sync: errno.EROFS, open: errno.EROFS }],
]

for (const [name, faults] of process.env.TEST_DISK === 'full' ? cases : cases.slice(0, 1)) {
  test(`${name}: clients are told, nothing is lost, service comes back by itself`, { skip }, async (t) => {
    const { broker, set } = await onFailingDisk(t)
    await throughTrouble(t, broker, { ...failed, break: () => set(faults), mend: () => set({}) })
  })
}

test(
  'a commit finds no space: Kafka producers hear in time that it is open, and retry until it is there',
  { skip },
  async (t) => {
    const { broker, set } = await onFailingDisk(t)
    const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    const plain = kafka.producer({ retry: { retries: 0 } })
    const idempotent = kafka.producer({ idempotent: true, retry: { retries: 1000, maxRetryTime: 500 } })
    for (const client of [admin, plain, idempotent]) await client.connect()
    await admin.createTopics({ topics: [{ topic: 'open' }] })
    const send = (producer: typeof plain, value: string) =>
      producer.send({ topic: 'open', acks: -1, timeout: 1000, messages: [{ value }] })
    await send(plain, 'first')
    await send(idempotent, 'second')

    set({ write: errno.ENOSPC })
    const began = performance.now()
    const [first, last] = [send(idempotent, 'third'), send(plain, 'fourth')]
    first.catch(() => undefined)
    await assert.rejects(last, /timed out/)
    const tookMs = performance.now() - began
    assert.ok(tookMs < 8000, `after ${tookMs} ms`)
    await broker.process.waitFor(/full|space/, 10_000, 'stderr')
    set({})
    const [{ baseOffset } = {}] = await first
    assert.match(baseOffset!, /^[23]$/)
    const [end] = await admin.fetchTopicOffsets('open')
    assert.equal(end!.high, '4', 'each of the four once: that of the retries, and the open one')
    t.diagnostic(`told after ${Math.round(tookMs)} ms`)
    await Promise.allSettled([admin, plain, idempotent].map((client) => client.disconnect()))
  },
)

test('the data folder is taken away and comes back: no other journal is begun in its place', { skip }, async (t) => {
  const { broker } = await onFailingDisk(t)
  const away = `${broker.data}.away`
  await throughTrouble(t, broker, {
    ...failed,
    line: /the journal is gone from the data folder/,
    break: () => renameSync(broker.data, away),
    mend: () => renameSync(away, broker.data),
  })
})
