import assert from 'node:assert/strict'
import test from 'node:test'
import type { SimFaults } from '../../world/sim/sim-disk.ts'
import { newDisk, openOn, type Run } from './testing/sim-store.ts'

const slow: SimFaults = { fail: () => null, delayMs: (operation) => (operation === 'commit' ? 10 : 0) }

/** Stages records and wants them committed; a turn later they are, where that may be. */
async function publish({ store, work, time }: Run, bytes: number): Promise<number> {
  const commit = store.staging
  work.append([1], 'x'.repeat(bytes))
  store.hard()
  await time.advance(0.01)
  return commit
}

async function newRun(): Promise<Run> {
  const { time, disk } = newDisk(21)
  const run = await openOn(disk, time)
  run.work.create(1)
  run.store.hard()
  await time.advance(100)
  disk.faults = slow
  return run
}

test('a large commit is handed over behind the one in flight, a small one waits for company', async () => {
  const run = await newRun()
  const { store, time, disk } = run
  const first = await publish(run, 100)
  assert.equal(store.staging, first + 1)
  await publish(run, 100)
  assert.equal(store.staging, first + 1, 'small')
  await publish(run, 3000)
  assert.equal(store.staging, first + 2, 'large')
  await publish(run, 3000)
  assert.equal(store.staging, first + 2, 'two were handed over')
  let begun = 0
  disk.onOperation = (operation): void => void (begun += operation === 'commit' ? 1 : 0)
  const durable: number[] = []
  store.onProgress(() => void durable.push(store.durable - first, begun))
  await time.advance(100)
  // The second begins before the loop hears of the first, the third when it has heard.
  assert.deepEqual(durable.slice(0, 6), [0, 1, 1, 2, 2, 2])
  await time.until(run.work.verify())
  await time.until(store.close())
})

test('a crash at any moment with two handed over loses nothing that was acknowledged', async () => {
  for (let moment = 0; moment < 40; moment += 2.5) {
    const run = await newRun()
    for (let i = 0; i < 12; i++) {
      await publish(run, i % 4 === 3 ? 30_000 : 3000)
      await run.time.advance(moment / 12)
    }
    const { acked } = run.work
    const again = await openOn(run.disk.crash(), run.time, {}, run.work)
    assert.ok(again.work.found >= acked)
    await run.time.until(again.work.verify())
    await run.time.until(again.store.close())
  }
})

test('of two handed over the first finds the disk full: both wait for space, in their order', async () => {
  for (let room = 0; room < 120_000; room += 7000) {
    const run = await newRun()
    const { store, work, time, disk } = run
    const used = disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
    disk.capacityBytes = used + room
    for (let i = 0; i < 40 && store.health.state === 'ok'; i++) await publish(run, i % 4 === 3 ? 30_000 : 3000)
    await time.advance(2000)
    assert.notEqual(store.health.state, 'failed')
    disk.capacityBytes = Infinity
    await time.advance(5000)
    assert.equal(store.health.state, 'ok')
    assert.equal(store.durable, store.staging - 1, 'all of it is durable')
    const again = await openOn(disk.killed(), time, {}, work)
    assert.ok(again.work.found >= work.acked)
    await time.until(again.work.verify())
    await time.until(again.store.close())
  }
})

test('of two handed over the first fails: neither is acknowledged, and neither is there twice', async () => {
  const run = await newRun()
  const { store, work, time, disk } = run
  let failures = 0
  disk.faults = { ...slow, fail: (operation) => (operation === 'commit' && failures++ === 0 ? 'io' : null) }
  const before = store.durable
  await publish(run, 3000)
  await publish(run, 3000)
  await time.advance(500)
  assert.equal(failures, 1, 'the second was not tried')
  assert.equal(store.health.state, 'failed')
  assert.equal(store.durable, before)
  assert.ok(store.stagedBytes < 3000, 'nobody waits for what will never be written')
  await time.until(store.close())
  disk.faults = slow
  const again = await openOn(disk.killed(), time, {}, work)
  assert.ok(again.work.found >= before)
  await time.until(again.work.verify())
  await time.until(again.store.close())
})

test('a commit behind an IDLE frame that is on its way is not earlier, though the clock went back between them', async () => {
  const run = await newRun()
  const { store, time, disk } = run
  let begun = 0
  disk.onOperation = (operation): void => void (begun += operation === 'commit' ? 1 : 0)
  await publish(run, 100)
  for (let i = 0; i < 400 && begun < 2; i++) await time.advance(1)
  assert.equal(begun, 2, 'the IDLE frame is on its way')
  time.wallShiftMs -= 60_000
  const number = await publish(run, 3000)
  await time.advance(50)
  assert.equal(store.durable, number)
  const [first, second] = await store.extents(1, 0, 2)
  assert.ok(second!.appendTime > first!.appendTime, 'its time is that of the IDLE frame at least')
  await time.until(store.close())
})
