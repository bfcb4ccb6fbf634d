import assert from 'node:assert/strict'
import test from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import type { Undecided } from '../index.ts'
import { commit, newDisk, openOn } from './testing/sim-store.ts'

test('a journal that vanishes under the store ends its acknowledgements, and no other one is begun in its place', async () => {
  const { time, disk } = newDisk(31)
  const undecided: Undecided = { place: null }
  const run = await openOn(disk, time, {}, null, undecided)
  const { store, work } = run
  work.create(1)
  for (let i = 0; i < 20; i++) {
    work.append([1], `${i}`.padEnd(4000, '.'))
    await commit(run)
  }
  await time.advance(2000)
  const mounted = disk.copy()
  const { acked } = work
  const vanish = async (): Promise<void> => {
    for (const path of disk.paths()) await disk.remove(path)
  }
  await vanish()
  // Only what is acknowledged before it is noticed is in files without a name.
  work.append([1], 'into nothing')
  store.hard()
  await time.advance(100)
  assert.equal(store.health.state, 'failed')
  work.append([1], 'never')
  store.hard()
  await time.advance(1000)
  assert.ok(store.durable <= acked + 2)
  await time.until(store.close())
  // What it made in the background meanwhile, for here folders need not exist.
  await vanish()

  for (let i = 0; i < 3; i++) {
    await assert.rejects(openOn(disk, time, {}, work, undecided), /is its file system mounted/)
    assert.deepEqual(disk.paths(), [], 'nothing is written where it is not')
  }
  const other = new SimDisk(time, new SimRandom(32))
  other.operations = 1000 // Its journal gets another id.
  const strange = await openOn(other, time)
  await time.until(strange.store.close())
  await assert.rejects(openOn(other, time, {}, work, undecided), /is its file system mounted/)

  const again = await openOn(mounted, time, {}, null, undecided)
  assert.ok(again.work.found >= acked)
  assert.equal(again.store.bounds(1).next, 20)
  await time.until(again.store.close())
})
