import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultOptions } from '../../log/index.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import type { Id, ReadOptions } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import type { Part } from './read-part.ts'
import { errorOf, ok, records, Stand } from '../testing/stage.ts'

const longMs = 10_000
const waiting: ReadOptions = { session: 0, bytesMin: 1, bytesMax: 1e9, waitMs: longMs }

/** What is read of partitions from their beginning, and after how many ms. */
async function timed(stand: Stand, log: Id, partitions: readonly number[], options: Partial<ReadOptions>) {
  const began = stand.time.monotonic()
  const parts = partitions.map((partition) => ({ log, partition, offset: 0, bytesMax: 1e9 }))
  const results = await stand.broker.read(parts, { ...waiting, ...options })
  return { counts: results.map(countOf), ms: stand.time.monotonic() - began, results }
}

const countOf = (part: Part): number => ('error' in part ? -1 : part.ok.batches.length)

test('nobody waits for more bytes than one read gives', async () => {
  const stand = await Stand.open({ readBytesMax: 256 * 1024 })
  const log = await stand.log('l')
  const client = await stand.client()
  for (let i = 0; i < 40; i++) await stand.append(client, log, 'x'.repeat(10_000))
  const { counts, ms } = await stand.wait(timed(stand, log, [0], { bytesMin: 300_000 }))
  assert.equal(ms, 0)
  assert.ok(counts[0]! >= 6 && counts[0]! < 40, `${counts[0]} batches`)
  assert.equal((await stand.wait(timed(stand, log, [0], { bytesMin: 5000, bytesMax: 100 }))).ms, 0)
})

test('a read of no bytes says what there is, and one of a byte gives a batch', async () => {
  const stand = await Stand.open()
  const log = await stand.log('l')
  await stand.append(await stand.client(), log, 'x')
  const none = await stand.wait(timed(stand, log, [0], { bytesMax: 0, waitMs: 0 }))
  assert.deepEqual([none.counts, ok(none.results[0]).end], [[0], 1])
  assert.deepEqual((await stand.wait(timed(stand, log, [0], { bytesMax: 1 }))).counts, [1])
})

test('what comes while the disk is read ends the waiting', async () => {
  const [time, mebi] = [new SimTime(), 1024 * 1024]
  const disk = new SimDisk(time, new SimRandom(3))
  const stand = new Stand('journal', disk)
  stand.time = time
  const spans = { ...defaultOptions.spans, cacheBytesMax: 4 * mebi, lookEveryMs: 0 }
  Object.assign(stand.storeOptions, { slotBytes: 2 * mebi, tailBytes: 20_000, spans })
  await stand.start()
  const log = await stand.log('l', { partitions: 2 })
  const client = await stand.client()
  await stand.commit(client, { op: 'append', log, partition: 0, ...records('first') })
  const others = await stand.log('others')
  for (let i = 0; i < 60; i++) await stand.append(client, others, 'x'.repeat(50_000))
  await stand.settle(5000)
  const readMs = 50
  disk.faults = { fail: () => null, delayMs: (operation) => (operation === 'read' ? readMs : 0.1) }
  const read = timed(stand, log, [1, 0], { bytesMin: 10_000 })
  await stand.settle(readMs / 2)
  await stand.commit(client, { op: 'append', log, partition: 1, ...records('y'.repeat(20_000)) })
  const { counts, ms } = await stand.wait(read)
  assert.deepEqual(counts, [1, 1])
  assert.ok(ms >= readMs && ms < longMs / 2, `${ms} ms`)
  await stand.wait(stand.broker.shutdown())
})

test('the waiting ends with the connection of its session, and leaves nothing behind', async () => {
  const stand = await Stand.open()
  const log = await stand.log('l')
  const { session, epoch } = await stand.client()
  const { watchers } = (stand.broker as unknown as { shard: Shard }).shard
  const read = timed(stand, log, [0], { session })
  await stand.settle(100)
  assert.equal(watchers.size, 1)
  await stand.broker.close(session, epoch, { wills: 'drop' })
  await stand.settle(1)
  assert.equal(watchers.size, 0)
  assert.deepEqual((await read).counts, [0])
})

test('records are counted when they are given, not each time they are read', async () => {
  const stand = await Stand.open()
  const log = await stand.log('l')
  const client = await stand.client()
  await stand.append(client, log, 'a', 'b')
  const read = timed(stand, log, [0], { bytesMin: 5000 })
  for (let i = 0; i < 3; i++) await stand.append(client, log, 'c')
  await stand.append(client, log, 'd'.repeat(6000))
  assert.deepEqual((await stand.wait(read)).counts, [5])
  assert.equal(stand.broker.metrics().recordsOut, 6)
})

test('a lane that nobody has used is an empty partition, and its first record is heard of', async () => {
  const stand = await Stand.open()
  const log = await stand.log('l', { lanes: 3 })
  const client = await stand.client()
  await stand.commit(client, { op: 'append', log, partition: 0, ...records('low') })
  assert.deepEqual(stand.broker.boundsOf(log, 2), { partition: 2, start: 0, end: 0, bytes: 0 })
  assert.equal(stand.broker.boundsOf(log, 4), undefined)
  const none = await stand.wait(timed(stand, log, [0, 2], { waitMs: 0 }))
  assert.deepEqual(none.counts, [1, 0])
  const read = timed(stand, log, [2, 3], {})
  await stand.settle(100)
  await stand.commit(client, { op: 'append', log, partition: 3, ...records('high') })
  const { counts, ms } = await stand.wait(read)
  assert.deepEqual(counts, [0, 1])
  assert.ok(ms < 1000, `${ms} ms`)
  const positions = [0, 1, 2, 3].map((partition) => ({ partition, offset: 0 }))
  await stand.commit(client, { op: 'advance', log, subscription: 'group', positions })
  const beyond = await stand.wait(timed(stand, log, [4], {}))
  assert.equal(errorOf(beyond.results[0]), 'notFound')
})
