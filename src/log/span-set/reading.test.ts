import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { range, TestMachine, TestStore } from '../testing/test-store.ts'

const partitions = 200
const rounds = 80
const cacheBytesMax = 2 * 1024 * 1024
const limits = { ...defaultSpanLimits, cacheBytesMax, lookEveryMs: 0 }

interface Counted {
  store: TestStore
  /** Reads of the disk so far, by path. */
  reads: Map<string, number>
  disk: SimDisk
}

/** 200 partitions with a little in each of many segments. */
async function filled(): Promise<Counted> {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const reads = new Map<string, number>()
  const store = new TestStore({ spans: limits, slotBytes: 1024 * 1024 }, disk, new TestMachine(), time)
  await store.open()
  for (let partition = 0; partition < partitions; partition++) store.store.createPartition(partition)
  for (let round = 0; round < rounds; round++) {
    for (let partition = 0; partition < partitions; partition++) store.append(partition, 500)
    await store.commit()
  }
  await store.pass(40_000, 5000)
  disk.onOperation = (operation, path) => {
    if (operation === 'read') reads.set(path, (reads.get(path) ?? 0) + 1)
  }
  return { store, reads, disk }
}

const total = (reads: ReadonlyMap<string, number>): number => [...reads.values()].reduce((sum, count) => sum + count, 0)

test('cold reading of one of 200 partitions: each block of the disk is read once, and the cache keeps its limit', async () => {
  const { store, reads } = await filled()
  await store.reopen()
  reads.clear()
  assert.deepEqual(await store.readAll(77, 5000), range(0, rounds))
  const segments = (await store.disk.list('index')).length
  assert.ok(segments >= 6)
  // Per segment four blocks of payloads and one or two of its index.
  assert.ok(total(reads) <= 7 * (segments + 2), `${total(reads)} reads for ${segments} segments`)
  assert.ok(store.store.metrics().cacheBytes <= cacheBytesMax + store.options.tailBytes!)
  await store.time.until(store.store.close())
})

test('D3: who reads on does not search again', async () => {
  const { store, reads } = await filled()
  const next = 40
  await store.time.until(Promise.resolve(store.store.read(5, 0, next, 1)))
  reads.clear()
  for (let from = 1; from < 6; from++) {
    const [extent] = await store.time.until(Promise.resolve(store.store.read(5, from, next, 1)))
    assert.equal(extent?.baseOffset, from)
  }
  const searched = [...reads.keys()].filter((path) => path.startsWith('index/'))
  assert.deepEqual(searched, [])
  assert.ok(total(reads) <= 4, `${total(reads)} reads for five records in two blocks`)
  await store.time.until(store.store.close())
})

test('a start opens no span, however many there are', async () => {
  const { store, reads } = await filled()
  await store.time.until(store.store.close())
  reads.clear()
  await store.open()
  const spans = [...reads.keys()].filter((path) => path.startsWith('spans/') || path.startsWith('index/'))
  const adopted = (await store.disk.list('index')).length
  assert.ok(spans.length <= 1, `${spans.length} of ${adopted} indexes were read`)
  await store.time.until(store.store.close())
})
