import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { TestStore } from '../testing/test-store.ts'

test('many short lives end up in a checkpoint like one long life, or replay would grow with each', async () => {
  const store = new TestStore({ checkpointBytes: 512 * 1024, checkpointMs: 3_600_000 })
  await store.open()
  store.store.createPartition(1)
  for (let life = 0; life < 8; life++) {
    for (let i = 0; i < 10; i++) {
      store.append(1, 20_000)
      await store.commit()
    }
    await store.pass(50, 10)
    await store.reopen()
  }
  assert.notDeepEqual(await store.disk.list('checkpoint'), [])
  await store.time.until(store.store.close())
})

test('a slot whose segment died behind the newest checkpoint is used again after a start', async () => {
  const store = new TestStore({ checkpointBytes: 1e9, checkpointMs: 1e9 })
  await store.open()
  store.store.createPartition(1)
  for (let i = 0; i < 75; i++) {
    store.append(1, 20_000)
    await store.commit()
  }
  store.store.stageTrim(1, store.store.bounds(1).next)
  await store.commit()
  await store.pass(20_000)
  assert.ok((await store.disk.list('journal')).length >= 6)
  store.options.checkpointMs = 1000
  await store.reopen()
  for (let i = 0; i < 5; i++) {
    store.append(1, 100)
    await store.commit()
    await store.pass(3000)
  }
  const { slotsAhead, slotsSpare } = store.options
  assert.equal((await store.disk.list('journal')).length, slotsAhead! + slotsSpare! + 1)
  assert.deepEqual(await store.readAll(1), [75, 76, 77, 78, 79])
  await store.time.until(store.store.close())
})

test('an idle store writes one checkpoint of the last commit, and tries again where that fails', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(1))
  const store = new TestStore({ checkpointMs: 1000 }, disk, undefined, time)
  await store.open()
  const newest = async (): Promise<string | undefined> => (await disk.list('checkpoint')).sort().at(-1)
  store.store.createPartition(1)
  await store.commit()
  await store.pass(10_000)
  assert.equal(await newest(), '00000001.copy')
  let failures = 0
  disk.faults = {
    fail: (operation, path) => (path.startsWith('checkpoint/') && operation === 'sync' && failures++ < 2 ? 'io' : null),
    delayMs: () => 0,
  }
  store.append(1, 100)
  await store.commit()
  await store.pass(10_000)
  assert.ok(failures >= 2)
  const after = await newest()
  assert.notEqual(after, '00000001.copy')
  await store.pass(10_000)
  assert.equal(await newest(), after)
  await store.time.until(store.store.close())
})
