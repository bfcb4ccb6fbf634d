import assert from 'node:assert/strict'
import test from 'node:test'
import { Damaged } from '../damaged.ts'
import { commit, newDisk, openOn } from './testing/sim-store.ts'

const objects = 12_000

test('a checkpoint that trickles out under load equals the naive model, from either of the two kept', async () => {
  const { time, random, disk } = newDisk(7)
  // Each round takes many commits: 12,000 objects are more than one step holds.
  const options = { checkpointBytes: 400_000, checkpointMs: 1e9 }
  const run = await openOn(disk, time, options)
  const { work } = run
  work.create(1)
  for (let i = 0; i < objects; i++) work.add(i, i)
  await commit(run)
  for (let turn = 0; turn < 400; turn++) {
    for (let i = 0; i < 40; i++) work.add(random.below(objects), 1 + random.below(9))
    work.append([1], `${turn}`.padEnd(1500, '.'))
    run.store.hard()
    await time.advance(0.2)
  }
  await commit(run)
  const checkpoints = disk.paths().filter((path) => path.endsWith('.ckp'))
  assert.ok(checkpoints.length >= 2, checkpoints.join())

  const again = await openOn(disk.copy(), time, options, work)
  await time.until(again.work.verify())
  await time.until(again.store.close())

  // The newest one rots, in both files: the one before it serves, with more of the journal.
  const newest = checkpoints.at(-1)!
  const copyOfNewest = newest.replace('.ckp', '.copy')
  for (const at of [0, 30, disk.bytesOf(newest).length - 40, disk.bytesOf(newest).length - 3]) {
    const rotten = disk.copy()
    rotten.flip(newest, at, 1)
    rotten.flip(copyOfNewest, at, 1)
    const older = await openOn(rotten, time, options, work)
    await time.until(older.work.verify())
    await time.until(older.store.close())
  }
  await time.until(run.store.close())
})

test('without a whole checkpoint a trimmed journal is refused, not started anew', async () => {
  const { time, disk } = newDisk(8)
  const run = await openOn(disk, time, { checkpointBytes: 50_000 })
  const { work, store } = run
  work.create(1)
  for (let i = 0; i < 150; i++) {
    work.append([1], 'x'.repeat(3000))
    work.trim(1, store.bounds(1).next - 1)
    await commit(run)
    await time.advance(300)
  }
  await time.until(store.close())
  for (const path of disk.paths().filter((each) => each.startsWith('checkpoint/'))) disk.flip(path, 10, 2)
  await assert.rejects(openOn(disk, time), Damaged)
})
