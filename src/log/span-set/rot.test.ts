import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Damaged } from '../damaged.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { readSegmentHeader, segmentHeaderBytes } from '../frame/index.ts'
import { defaultSpanLimits, footerBytes } from '../span/index.ts'
import { payloadOf, range, TestMachine, TestStore } from '../testing/test-store.ts'

const partitions = 4
const rounds = 120
const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 30_000 }

const time = new SimTime()
const machine = new TestMachine()
let written: SimDisk
const sizes = new Map<string, number>()

/** A folder with settled spans, adopted segments, and one that is still written. */
before(async () => {
  written = new SimDisk(time, new SimRandom(21))
  const store = new TestStore({ spans, checkpointMs: 60_000 }, written, machine, time)
  await store.open()
  for (let partition = 0; partition < partitions; partition++) {
    store.store.createPartition(partition)
    machine.lives.set(partition, partition % 2 === 0 ? 'days' : 'long')
  }
  for (let round = 0; round < rounds; round++) {
    for (let partition = 0; partition < partitions; partition++) store.append(partition, 3000)
    await store.commit()
    if (round === rounds / 2) await store.pass(2 * 3_600_000, 60_000)
  }
  await store.pass(3000)
  await time.until(store.store.close())
  for (const [key, bytes] of store.sizes) sizes.set(key, bytes)
})

/** A running store that has nothing in memory yet. */
async function running(): Promise<{ store: TestStore; disk: SimDisk }> {
  const disk = written.copy()
  const store = new TestStore({ spans, checkpointMs: 60_000 }, disk, machine, time)
  for (const [key, bytes] of sizes) store.sizes.set(key, bytes)
  await store.open()
  return { store, disk }
}

/** Reads a partition to its end and goes on behind what cannot be read. */
async function readPast(store: TestStore, partition: number): Promise<{ found: number[]; lost: number[] }> {
  const found: number[] = []
  const lost: number[] = []
  const { start, next } = store.store.bounds(partition)
  for (let from = start; from < next;) {
    try {
      const extents = await store.time.until(Promise.resolve(store.store.read(partition, from, next, 20_000)))
      if (extents.length === 0) break
      for (const { baseOffset, batch } of extents) {
        assert.ok(batch.equals(payloadOf(partition, baseOffset, 3000)), `partition ${partition}, offset ${baseOffset}`)
        found.push(baseOffset)
        from = baseOffset + 1
      }
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
      assert.ok(error.cost !== null && error.cost.first === from && error.cost.below > from, JSON.stringify(error.cost))
      lost.push(...range(error.cost.first, Math.min(next, error.cost.below)))
      from = error.cost.below
    }
  }
  return { found, lost }
}

const allBut = (offset: number): number[] => range(0, rounds).filter((each) => each !== offset)

test('a record whose bytes have rotted costs a reader that record alone, wherever it lies', async () => {
  const where = new Set<string>()
  for (let offset = 0; offset < rounds; offset += 7) {
    const { store, disk } = await running()
    const needle = payloadOf(1, offset, 3000)
    // A slot that was given back may hold it, too.
    const paths = disk.paths().filter((path) => disk.bytesOf(path).includes(needle))
    const flips = paths.map((path) => ({ path, at: disk.bytesOf(path).indexOf(needle) + 1000 }))
    for (const { path, at } of flips) disk.flip(path, at, 2)
    assert.deepEqual(await readPast(store, 1), { found: allBut(offset), lost: [offset] })
    for (const partition of [0, 2, 3]) assert.equal((await readPast(store, partition)).found.length, rounds)
    // What was read wrong is not kept: as soon as the disk reads it right, it is there again.
    for (const { path, at } of flips) disk.flip(path, at, 2)
    assert.deepEqual((await readPast(store, 1)).lost, [])
    where.add(flips.at(-1)!.path.split('/')[0]!)
    await time.until(store.store.close())
  }
  assert.deepEqual([...where].sort(), ['journal', 'spans'])
})

test('rot anywhere under a running store: what cannot be read is told, and all else is read', async () => {
  const random = new SimRandom(5)
  const paths = written.paths().filter((path) => !path.startsWith('checkpoint/'))
  let losses = 0
  for (let round = 0; round < 40; round++) {
    const { store, disk } = await running()
    const path = paths[random.below(paths.length)]!
    const bytes = disk.bytesOf(path).length
    // Half of them among the indexes, which are at the end of a span.
    const from = round % 2 === 0 ? 0 : Math.max(0, bytes - 20_000)
    const position = from + random.below(bytes - from)
    const bit = random.below(8)
    disk.flip(path, position, bit)
    for (let partition = 0; partition < partitions; partition++) {
      const { found, lost } = await readPast(store, partition)
      const all = [...found, ...lost].sort((a, b) => a - b)
      assert.deepEqual(all, range(0, rounds), `${path} at ${position}`)
      if (path.startsWith('index/')) assert.deepEqual(lost, [], 'an index of a segment is made again')
      if (lost.length === 0) continue
      losses++
      // What was read wrong is not kept, be it a record or a page of an index.
      disk.flip(path, position, bit)
      assert.deepEqual((await readPast(store, partition)).lost, [], `${path} at ${position}, read again`)
      break
    }
    await time.until(store.store.close())
  }
  assert.ok(losses > 4, `${losses} readers met damage`)
})

test('an index of a segment that has rotted does not keep the segment: it is made again for the cleaner', async () => {
  const { store, disk } = await running()
  const indexes = disk.paths().filter((path) => path.startsWith('index/'))
  assert.ok(indexes.length > 0)
  // Half of them in the entries of a chunk, half in the directory.
  for (const [n, path] of indexes.entries())
    disk.flip(path, n % 2 === 0 ? 100 : disk.bytesOf(path).length - footerBytes - 100, 3)
  const done = new TestMachine()
  for (let partition = 0; partition < partitions; partition++) done.consumed.set(partition, rounds - 1)
  const { needed } = machine
  machine.needed = (...terms) => done.needed(...terms)
  try {
    await store.pass(2 * 3_600_000 + 300_000, 60_000)
  } finally {
    machine.needed = needed
  }
  assert.deepEqual(
    disk.paths().filter((path) => indexes.includes(path)),
    [],
  )
  await time.until(store.store.close())
})

test('a segment whose last frame has rotted, and its index, too: what was in it is told to be lost', async () => {
  const { store, disk } = await running()
  for (const path of disk.paths()) if (path.startsWith('index/')) await disk.remove(path)
  const segments = new Map<number, string>()
  for (const path of written.paths().filter((each) => each.startsWith('journal/'))) {
    const header = readSegmentHeader(written.bytesOf(path).subarray(0, segmentHeaderBytes))
    if (header !== null && written.paths().includes(`index/${header.segmentSeq}.idx`)) {
      segments.set(header.segmentSeq, path)
    }
  }
  const path = segments.get(Math.min(...segments.keys()))!
  const bytes = disk.bytesOf(path)
  const at = (offset: number): number => bytes.indexOf(payloadOf(0, offset, 3000))
  const last = range(0, rounds).reduce((best, offset) => (at(offset) > at(best) ? offset : best))
  disk.flip(path, at(last) + 1000, 2)
  for (let again = 0; again < 2; again++) {
    for (let partition = 0; partition < partitions; partition++) {
      assert.deepEqual(await readPast(store, partition), { found: allBut(last), lost: [last] })
    }
    await store.reopen()
  }
  await time.until(store.store.close())
})
