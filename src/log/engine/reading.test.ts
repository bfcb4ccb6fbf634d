import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { range, TestStore } from '../testing/test-store.ts'

const partition = 0
const hourMs = 3_600_000

/**
 * One partition whose first segment has been adopted, and is still in the tail with its end; then only the records in
 * `needed` and those from `consumed` on are needed, and it has been settled.
 */
async function settledUnderTheTail(consumed: number, needed: readonly number[]): Promise<TestStore> {
  const store = new TestStore({ spans: { ...defaultSpanLimits, lookEveryMs: 30_000 } })
  await store.open()
  store.store.createPartition(partition)
  store.machine.lives.set(partition, 'consumed')
  for (let n = 0; n < records; n++) {
    store.append(partition, 3000)
    await store.commit()
  }
  store.machine.consumed.set(partition, consumed)
  for (const offset of needed) store.machine.stuck.add(`${partition}/${offset}`)
  await store.pass(2 * hourMs, 60_000)
  assert.ok((await store.disk.list('spans')).length > 0, 'the segment was settled')
  return store
}

/** A segment takes 63 of them, the tail 19. */
const records = 70

async function read(store: TestStore, from: number, below: number, bytesMax: number): Promise<number[]> {
  const extents = await store.time.until(Promise.resolve(store.store.read(partition, from, below, bytesMax)))
  return extents.map((extent) => extent.baseOffset)
}

for (const { title, consumed, needed } of [
  { title: 'one after the other', consumed: 40, needed: [5, 14, 15, 30] },
  { title: 'at the front', consumed: 30, needed: [] },
  { title: 'up to the tail and in it', consumed: 60, needed: [2] },
]) {
  test(`what the cleaner took of a segment that is still in the tail hides nothing behind it: ${title}`, async () => {
    const store = await settledUnderTheTail(consumed, needed)
    const wanted = [...needed, ...range(consumed, records)]
    for (const bytesMax of [1, 10_000, 1_000_000]) {
      for (let from = 0; from < records; from++) {
        const found = await read(store, from, records, bytesMax)
        const awaited = wanted.filter((offset) => offset >= from)
        assert.ok(
          found.length > 0 && found[0]! <= awaited[0]!,
          `from ${from} on: ${String(found)}, not ${String(awaited)}`,
        )
        const last = found.at(-1)!
        const missing = awaited.filter((offset) => offset < last && !found.includes(offset))
        assert.deepEqual(missing, [], `from ${from} on, ${bytesMax} bytes`)
      }
      const offsets = await store.readAll(partition, bytesMax)
      assert.deepEqual(
        wanted.filter((offset) => !offsets.includes(offset)),
        [],
      )
    }
    const [first] = await read(store, 0, records, 1)
    assert.equal(first, wanted[0], 'what was taken is gone')
    await store.time.until(store.store.close())
  })
}

test('what gets its place in the journal during a read is not passed over', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const store = new TestStore({}, disk, undefined, time)
  await store.open()
  store.store.createPartition(partition)
  for (let n = 0; n < 40; n++) {
    store.append(partition, 3000)
    await store.commit()
  }
  // Of two records staged, one is on its way when the read begins, and has arrived when that has the first from the disk.
  disk.faults = { fail: () => null, delayMs: (operation) => (operation === 'read' ? 20 : 1) }
  store.append(partition, 3000)
  store.store.hard()
  await time.settle()
  store.append(partition, 3000)
  assert.equal(store.store.written, store.store.staging - 2, 'one commit is on its way, one is being filled')
  const offsets = await read(store, 0, 42, 1_000_000)
  assert.deepEqual(offsets, range(0, offsets.length))
  assert.ok(offsets.length >= 40)
  assert.deepEqual(await read(store, offsets.length, 42, 1_000_000), range(offsets.length, 42))
  await time.until(store.store.close())
})

test('what has no place in the journal yet is found behind spans that have nothing left', async () => {
  const store = new TestStore({ spans: { ...defaultSpanLimits, lookEveryMs: 30_000 } })
  await store.open()
  for (const each of [partition, 1]) store.store.createPartition(each)
  for (let n = 0; n < 200; n++) {
    if (n < 10) store.append(partition, 3000)
    store.append(1, 3000)
    await store.commit()
  }
  store.machine.consumed.set(partition, 10)
  await store.pass(2 * hourMs, 60_000)
  assert.deepEqual(await read(store, 0, 10, 1_000_000), [], 'all of it was taken')
  store.append(partition, 3000)
  assert.deepEqual(await read(store, 0, 11, 1_000_000), [10])
  await store.commit()
  assert.deepEqual(await read(store, 0, 11, 1_000_000), [10])
  await store.time.until(store.store.close())
})

test('a commit of several frames is read whole while they are written one after the other', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const store = new TestStore({ tailBytes: 1024 * 1024 }, disk, undefined, time)
  await store.open()
  store.store.createPartition(partition)
  disk.faults = { fail: () => null, delayMs: () => 5 }
  for (let n = 0; n < 6; n++) store.append(partition, 40_000)
  store.store.hard()
  const { staging } = store.store
  for (let ms = 0; store.store.durable < staging; ms++) {
    assert.ok(ms < 100)
    assert.deepEqual(await store.readAll(partition, 1_000_000), range(0, 6))
    await time.advance(1)
  }
  await time.until(store.store.close())
})

test('extents leave out no segment that goes out of memory while the spans are looked at', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const store = new TestStore({ spans: { ...defaultSpanLimits, lookEveryMs: 30_000 } }, disk, undefined, time)
  await store.open()
  for (const each of [partition, 1]) store.store.createPartition(each)
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) store.append(partition, 3000)
    for (let n = 0; n < 70; n++) {
      store.append(1, 3000)
      await store.commit()
    }
  }
  await fill()
  store.machine.consumed.set(partition, 10)
  store.machine.stuck.add(`${partition}/3`)
  await store.pass(2 * hourMs, 60_000)
  await store.reopen()
  await fill()
  disk.faults = { fail: () => null, delayMs: (operation) => (operation === 'read' ? 60_000 : 0.1) }
  const asked = store.store.extents(partition, 5, 1000)
  await fill()
  await store.pass(3000)
  await fill()
  await store.pass(3000)
  const found = await time.until(Promise.resolve(asked))
  const offsets = found.map(({ baseOffset }) => baseOffset)
  assert.deepEqual(offsets, range(10, 10 + offsets.length))
  assert.ok(offsets.length >= 10)
  await time.until(store.store.close())
})
