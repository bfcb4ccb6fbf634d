import assert from 'node:assert/strict'
import { test } from 'node:test'
import { repairData } from '../log/index.ts'
import { SimRandom } from '../world/sim/random.ts'
import { SimDisk, type SimFaults } from '../world/sim/sim-disk.ts'
import { SimTime } from '../world/sim/time.ts'
import type { ReadTrouble } from './read/unreadable.ts'
import { ok, records, Stand, valuesOf, type Client } from './testing/stage.ts'

interface Rotten {
  stand: Stand
  disk: SimDisk
  client: Client
  troubles: ReadTrouble[]
}

async function onDisk(): Promise<Rotten> {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const stand = new Stand('journal', disk)
  Object.assign(stand.storeOptions, { tailBytes: 20_000 })
  stand.time = time
  const troubles: ReadTrouble[] = []
  stand.report = (trouble) => troubles.push(trouble)
  await stand.start()
  return { stand, disk, client: await stand.client(), troubles }
}

const valueOf = (n: number): string => `value-${String(n).padStart(3, '0')}-`.padEnd(2000, 'x')
const numberOf = (value: string): number => Number(value.slice(6, 9))
const all = Array.from({ length: 60 }, (_, n) => n)
const rotten = [0, 5, 6, 20]
const whole = all.filter((n) => !rotten.includes(n))

async function fill({ stand, client }: Rotten, log: number): Promise<void> {
  for (const n of all) await stand.append(client, log, valueOf(n))
  await stand.settle(2000)
}

/** Flips a byte of the values, wherever they are stored; or flips it back. */
function rot({ disk }: Rotten, numbers: readonly number[]): void {
  for (const path of disk.paths()) {
    for (const n of numbers) {
      const at = disk.bytesOf(path).indexOf(valueOf(n).slice(0, 12))
      if (at >= 0) disk.flip(path, at + 20, 1)
    }
  }
}

const told = (troubles: readonly ReadTrouble[]): number[] =>
  troubles.flatMap(({ records }) => (records === null ? [] : [records.first, records.last]))

test('who reads by position gets all but the damaged records, and it is told once', async () => {
  const stage = await onDisk()
  const { stand, troubles } = stage
  const log = await stand.log('l')
  await fill(stage, log)
  rot(stage, rotten)
  for (let again = 0; again < 3; again++) {
    const found: number[] = []
    for (let offset = 0; offset < all.length;) {
      const part = { log, partition: 0, offset, bytesMax: 10_000 }
      const wait = { session: 0, bytesMin: 1, bytesMax: 10_000, waitMs: 0 }
      const { batches } = ok((await stand.wait(stand.broker.read([part], wait)))[0])
      assert.ok(batches.length > 0, `nothing from ${offset} on`)
      for (const batch of batches) found.push(numberOf(String(batch.table.value(0))))
      offset = batches.at(-1)!.baseOffset + 1
    }
    assert.deepEqual(found, whole)
  }
  assert.deepEqual(told(troubles), [0, 0, 5, 5, 6, 6, 20, 20])
  assert.deepEqual([troubles[0]?.records?.namespace, troubles[0]?.records?.log], ['default', ['l']])
  assert.equal(stand.broker.metrics().unreadable, 4)
})

test('a queue delivers all but the damaged records, and those as well when the disk reads them right again', async () => {
  const stage = await onDisk()
  const { stand, client, troubles } = stage
  const [log, queue] = await stand.queue('q')
  await fill(stage, log)
  rot(stage, rotten)
  const peeked = await stand.wait(stand.broker.peek(queue, 100))
  assert.deepEqual(peeked.flatMap(valuesOf).map(numberOf), whole)
  await stand.attach(client, queue)
  await stand.settle(5000)
  assert.deepEqual(client.values().map(numberOf), whole)
  assert.deepEqual(told(troubles), [0, 0, 5, 5, 6, 6, 20, 20])
  await stand.commit(client, {
    op: 'settle',
    subscription: queue,
    ranges: [{ partition: 0, first: 0, last: 59, attempt: 1 }],
    as: { do: 'done' },
  })
  rot(stage, rotten)
  await stand.wait(stand.broker.shutdown())
  await stand.start()
  const later = await stand.client()
  await stand.attach(later, queue)
  await stand.settle(5000)
  assert.deepEqual(later.values().map(numberOf), rotten)
})

test('what a repair has dropped holds up no queue: neither at its front, nor in the middle, nor at its end', async () => {
  const dropped = [...rotten, 57, 58, 59]
  const stage = await onDisk()
  const { stand, disk } = stage
  const [log] = await stand.queue('q')
  await fill(stage, log)
  // Other records push these out of the journal's tail, which a start reads again.
  const other = await stand.log('other')
  for (let n = 0; n < 60; n++) await stand.append(await stand.client(), other, valueOf(n).replace('value', 'other'))
  await stand.settle(120_000)
  await stand.wait(stand.broker.shutdown())
  rot(stage, dropped)
  const { lost } = await stand.wait(repairData(disk))
  assert.equal(
    lost.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    dropped.length,
  )
  await stand.start()
  const client = await stand.client()
  const queue = stand.broker.findSubscription(log, '', 'leased')!.id
  await stand.attach(client, queue)
  await stand.settle(5000)
  assert.deepEqual(
    client.values().map(numberOf),
    all.filter((n) => !dropped.includes(n)),
  )
  await stand.append(client, log, valueOf(60))
  await stand.settle(5000)
  assert.deepEqual(client.values().map(numberOf), [60])
})

test('records that expire are dead-lettered around the damaged ones, which are not given up', async () => {
  const stage = await onDisk()
  const { stand, client } = stage
  const dead = await stand.log('dead')
  const [log] = await stand.queue('q', { ttlMs: 60_000, deadLetter: { to: 'log', name: ['dead'] } })
  await fill(stage, log)
  rot(stage, rotten)
  const queue = stand.broker.findSubscription(log, '', 'leased')!.id
  await stand.attach(client, queue, {}, 0)
  await stand.settle(70_000)
  // What is in memory still may come before what must be read.
  const found = (await stand.readAll(dead)).map(numberOf)
  assert.deepEqual(
    found.sort((a, b) => a - b),
    whole,
  )
})

test('a disk that gives errors for a while costs nobody a record', async () => {
  const stage = await onDisk()
  const { stand, disk, client, troubles } = stage
  const dead = await stand.log('dead')
  const [log, queue] = await stand.queue('q')
  const [expiring] = await stand.queue('e', { ttlMs: 60_000, deadLetter: { to: 'log', name: ['dead'] } })
  await fill(stage, log)
  await fill(stage, expiring)
  await stand.attach(client, stand.broker.findSubscription(expiring, '', 'leased')!.id, {}, 0)
  const broken: SimFaults = { fail: (operation) => (operation === 'read' ? 'io' : null), delayMs: () => 0.1 }
  disk.faults = broken
  await stand.attach(client, queue)
  await stand.settle(70_000)
  const values = client.values().map(numberOf)
  assert.ok(values.length < all.length && troubles.length > 0)
  disk.faults = { fail: () => null, delayMs: () => 0.1 }
  await stand.settle(70_000)
  assert.deepEqual([...values, ...client.values().map(numberOf)], all)
  assert.deepEqual(
    (await stand.readAll(dead)).map(numberOf).sort((a, b) => a - b),
    all,
  )
})

test('a damaged retained message is left out, the others are there', async () => {
  const stage = await onDisk()
  const { stand, client, troubles } = stage
  for (const n of all.slice(0, 30)) {
    const to = [{ space: stand.shared, levels: ['r', String(n)] }]
    await stand.commit(client, { op: 'publish', to, ...records(valueOf(n)), retain: true })
  }
  await stand.settle(2000)
  rot(stage, [5])
  const found = await stand.retained(['r', { any: 'one' }])
  const numbers = found.map((batch) => numberOf(String(batch.table.value(0)))).sort((a, b) => a - b)
  assert.deepEqual(
    numbers,
    all.slice(0, 30).filter((n) => n !== 5),
  )
  assert.equal(troubles[0]?.records?.log, null)
})
