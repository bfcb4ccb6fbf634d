import assert from 'node:assert/strict'
import test from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { openStore } from '../index.ts'
import type { Machine, Store } from '../store.ts'

const idleMachine: Machine = {
  restore: () => undefined,
  apply: () => undefined,
  applyExtent: () => undefined,
  recovered: () => undefined,
  checkpoint: () => null,
  needed: () => true,
  life: () => 'days',
}

function append(store: Store, partition: number, text: string, count = 1): void {
  const baseOffset = store.bounds(partition).next
  const facts = { baseOffset, count, maxTimestamp: 5, appendTime: 0, flags: 1, meta: Buffer.from('m') }
  store.stageExtent(partition, facts, store.stagePayload(Buffer.from(text)))
}

test('what is staged is read back, before and after its commit', async () => {
  const time = new SimTime()
  const world = { clock: time, timers: time, random: new SimRandom(1) }
  const store = await time.until(openStore({ world, memory: true, machine: idleMachine }))
  store.createPartition(7)
  append(store, 7, 'one')
  append(store, 7, 'three', 3)
  const staged = await store.read(7, 0, 10, 1000)
  assert.deepEqual(
    staged.map((extent) => [extent.baseOffset, extent.batch.toString(), extent.appendTime]),
    [
      [0, 'one', 0],
      [1, 'three', 0],
    ],
  )
  let progress = 0
  store.onProgress(() => progress++)
  assert.equal(store.staging, 1)
  store.hard()
  assert.equal(store.durable, 0)
  await time.settle()
  assert.equal(store.durable, 1)
  assert.equal(progress, 1)
  append(store, 7, 'four')
  const both = store.read(7, 2, 10, 1000)
  assert.ok(Array.isArray(both))
  assert.deepEqual(
    both.map((extent) => [extent.baseOffset, extent.batch.toString(), extent.meta.toString(), extent.appendTime > 0]),
    [
      [1, 'three', 'm', true],
      [4, 'four', 'm', false],
    ],
  )
  await time.advance(60)
  assert.equal(store.durable, 2, 'soft entries go by themselves')
  assert.deepEqual(store.bounds(7), { start: 0, next: 5, bytes: 12 })
  store.stageTrim(7, 4)
  assert.deepEqual(store.bounds(7), { start: 4, next: 5, bytes: 4 })
  await time.until(store.close())
})

test('a payload of many frames', async () => {
  const time = new SimTime()
  const world = { clock: time, timers: time, random: new SimRandom(1) }
  const options = { slotBytes: 40960, frameBytesMax: 8192, tailBytes: 1000 }
  const store = await time.until(openStore({ world, memory: true, machine: idleMachine, options }))
  store.createPartition(1)
  const text = 'abcdefg'.repeat(30_000)
  append(store, 1, text)
  append(store, 1, 'small')
  store.hard()
  await time.until(store.synced(1))
  assert.ok(store.durable >= 1)
  append(store, 1, 'x'.repeat(2000))
  store.hard()
  await time.settle()
  const read = await time.until(Promise.resolve(store.read(1, 0, 3, 1_000_000)))
  assert.deepEqual(
    read.map((extent) => extent.batch.length),
    [210_000, 5, 2000],
  )
  assert.equal(read[0]!.batch.toString(), text)
  await time.until(store.close())
})
