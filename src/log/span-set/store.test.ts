import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { checkData } from '../check/index.ts'
import type { StoreOptions } from '../index.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { range, TestMachine, TestStore } from '../testing/test-store.ts'

async function fill(store: TestStore, partitions: number, rounds: number, bytes: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let partition = 0; partition < partitions; partition++) store.append(partition, bytes)
    await store.commit()
  }
}

/** For tests that let hours pass. */
const rareLooks = { spans: { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 30_000 } }

async function opened(partitions: number, options: Partial<StoreOptions> = {}): Promise<TestStore> {
  const store = new TestStore(options)
  await store.open()
  for (let partition = 0; partition < partitions; partition++) store.store.createPartition(partition)
  return store
}

test('what has left the tail is read from adopted segments, also after a restart', async () => {
  const store = await opened(12)
  await fill(store, 12, 60, 3000)
  await store.pass(2000)
  for (let partition = 0; partition < 12; partition++) assert.deepEqual(await store.readAll(partition), range(0, 60))
  assert.ok((await store.disk.list('index')).length >= 6, 'segments were adopted')
  await store.reopen()
  for (let partition = 0; partition < 12; partition++) assert.deepEqual(await store.readAll(partition), range(0, 60))
  assert.equal(store.store.bounds(3).bytes, 60 * 3000)
  assert.deepEqual(
    (await checkData(store.disk)).findings.filter((found) => found.severity !== 'note'),
    [],
  )
  await store.time.until(store.store.close())
})

/** Knows what is needed only when all has been given back to it, as the core does. */
class LateMachine extends TestMachine {
  private knows = false

  override recovered(): void {
    this.knows = true
  }

  override needed(partition: number, first: number, last: number): boolean {
    return this.knows && super.needed(partition, first, last)
  }
}

test('the cleaner does not begin before the start is over, however long that takes', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 1 }
  const store = new TestStore({ spans }, disk, undefined, time)
  await store.open()
  store.store.createPartition(0)
  await fill(store, 1, 300, 3000)
  await time.until(store.store.close())
  disk.faults = { fail: () => null, delayMs: (_, path) => (path.startsWith('journal') ? 200 : 0.1) }
  const again = new TestStore({ spans }, disk, new LateMachine(), time)
  for (const [key, bytes] of store.sizes) again.sizes.set(key, bytes)
  await again.open()
  await again.pass(300, 50)
  assert.deepEqual(await again.readAll(0), range(0, 300))
  await time.until(again.store.close())
})

test('settled by class after an hour, through restarts, with nothing lost and the slots recycled', async () => {
  const store = await opened(9, { ...rareLooks, checkpointMs: 60_000 })
  for (let partition = 0; partition < 9; partition++) {
    store.machine.lives.set(partition, partition < 3 ? 'days' : partition < 6 ? 'long' : 'hours')
  }
  await fill(store, 9, 100, 3000)
  await store.pass(2 * 3_600_000, 60_000)
  const spans = await store.disk.list('spans')
  assert.ok(spans.some((name) => name.endsWith('.days')) && spans.some((name) => name.endsWith('.long')))
  for (let partition = 0; partition < 9; partition++) assert.deepEqual(await store.readAll(partition), range(0, 100))
  await store.reopen()
  for (let partition = 0; partition < 9; partition++) assert.deepEqual(await store.readAll(partition), range(0, 100))
  await fill(store, 9, 20, 3000)
  await store.pass(300_000, 30_000)
  assert.ok((await store.disk.list('journal')).length < 10, 'slots are used again')
  assert.deepEqual(
    (await checkData(store.disk)).findings.filter((found) => found.severity !== 'note'),
    [],
  )
  await store.time.until(store.store.close())
})

test('trimming gives the space back: retention and consumption', async () => {
  const store = await opened(4)
  await fill(store, 4, 200, 4000)
  await store.pass(1000)
  const before = store.store.metrics().diskBytes
  assert.ok(before > 3_200_000)
  for (let partition = 0; partition < 4; partition++) store.store.stageTrim(partition, 190)
  await store.commit()
  await store.pass(60_000)
  const after = store.store.metrics().diskBytes
  assert.ok(after < 1_500_000, `${after} bytes of ${before} are left`)
  for (let partition = 0; partition < 4; partition++) {
    assert.deepEqual(await store.readAll(partition), range(190, 200))
    assert.equal(store.store.bounds(partition).bytes, 10 * 4000)
  }
  await store.time.until(store.store.close())
})

test('a dropped partition is forgotten, and its bytes with it', async () => {
  const store = await opened(2, { ...rareLooks, checkpointMs: 60_000 })
  await fill(store, 2, 100, 4000)
  store.store.dropPartition(0)
  await store.commit()
  await store.pass(3_700_000, 60_000)
  assert.deepEqual(await store.readAll(1), range(0, 100))
  await store.reopen()
  assert.deepEqual(await store.readAll(1), range(0, 100))
  assert.ok(store.store.metrics().diskBytes < 2_000_000)
  await store.time.until(store.store.close())
})

test('100 queues, one of them slow to acknowledge: the disk holds less than half more than what is needed', async () => {
  const queues = 100
  const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, mergeAfterMs: 6000 }
  const store = new TestStore({ slotBytes: 128 * 1024, checkpointMs: 2000, spans })
  await store.open()
  const { machine } = store
  for (let queue = 0; queue < queues; queue++) {
    store.store.createPartition(queue)
    machine.lives.set(queue, 'consumed')
  }
  for (let round = 0; round < 120; round++) {
    for (let queue = 0; queue < queues; queue++) store.append(queue, queue === 0 ? 10_000 : 1000)
    await store.commit()
    await store.pass(3000, 1500)
    // All queues but the slow one are consumed at once, and of those one message in a hundred sticks.
    for (let queue = 1; queue < queues; queue++) {
      if ((round + queue) % 100 === 0) machine.stuck.add(`${queue}/${round}`)
      machine.consumed.set(queue, round + 1)
    }
  }
  await store.pass(20_000)
  const used = spaceOf(store)
  const live = machine.stuck.size * 1000 + 120 * 10_000
  assert.ok(used < 1.5 * live, `${used} bytes for ${live} live ones`)
  const written = store.store.metrics()
  assert.ok(written.settledBytes < 0.5 * written.journalBytes, `${written.settledBytes} settled bytes`)
  assert.deepEqual(await store.readAll(0), range(0, 120))
  for (const each of machine.stuck) {
    const [queue, offset] = each.split('/').map(Number)
    const extents = await store.time.until(Promise.resolve(store.store.read(queue!, offset!, offset! + 1, 1)))
    assert.equal(extents[0]?.baseOffset, offset)
  }
  await store.time.until(store.store.close())
})

/** Bytes in spans and in slots beyond those that are kept ready. */
function spaceOf({ store, options }: TestStore): number {
  return store.metrics().diskBytes - (options.slotsAhead! + options.slotsSpare! + 1) * options.slotBytes!
}
