import assert from 'node:assert/strict'
import test from 'node:test'
import { JournalStore } from './journal-store.ts'
import { commit, newDisk, openOn } from './testing/sim-store.ts'

test('a store that has failed closes no file that the commit thread still writes to, nor lets the folder go before', async () => {
  const { time, disk } = newDisk(17)
  const run = await openOn(disk, time)
  const { store, work } = run
  work.create(1)
  work.append([1], 'first')
  await commit(run)
  disk.faults = { fail: () => null, delayMs: (operation) => (operation === 'commit' ? 5000 : 0) }
  work.append([1], 'on its way')
  store.hard()
  await time.advance(1)
  const begun = time.monotonic()
  assert.ok(store instanceof JournalStore)
  store.committer.fail(new Error('the folder is gone'))
  await time.until(store.close())
  assert.ok(time.monotonic() - begun >= 4000)
  const again = await openOn(disk, time, {}, work)
  await time.until(again.work.verify())
  assert.equal(again.store.bounds(1).next, 2)
  await time.until(again.store.close())
})
