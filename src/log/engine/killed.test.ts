import assert from 'node:assert/strict'
import test from 'node:test'
import { Damaged } from '../damaged.ts'
import type { SimFaults } from '../../world/sim/sim-disk.ts'
import { commit, newDisk, openOn, type Run } from './testing/sim-store.ts'

const spans = {
  cacheBytesMax: 8_000_000,
  openFilesMax: 64,
  mergeAfterMs: 1000,
  settleAfterMs: 4000,
  spanBytesMax: 1_000_000,
  lookEveryMs: 300,
}
const lax = { spans, durability: 'os', checkpointMs: Infinity, checkpointBytes: Infinity } as const

/** Nothing of the journal is synced for as long as the test takes. */
const unsynced: SimFaults = {
  fail: () => null,
  delayMs: (operation, path) => (operation === 'sync' && path.startsWith('journal/') ? 1e6 : 0),
}

async function write({ store, work, time }: Run, commits: number): Promise<void> {
  for (let i = 0; i < commits; i++) {
    work.append([1 + (i % 8 === 0 ? 1 : 0)], `${i}`.padEnd(4000, '.'))
    store.hard()
    await time.advance(10)
  }
}

test('where commits are only written, those of a killed process are synced before a start counts them as durable', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { time, disk } = newDisk(seed)
    const run = await openOn(disk, time, lax)
    const { store, work } = run
    work.machine.needs = (partition, last) => last >= store.bounds(partition).start
    work.create(1)
    work.create(2)
    await write(run, 40)
    await time.until(store.synced(store.staging - 1))
    await time.advance(500)
    disk.faults = unsynced
    // The cleaner settles what is left of the first segments, and two more are filled behind its edit.
    work.trim(1, store.bounds(1).next)
    store.hard()
    for (let i = 0; i < 200; i++) await time.advance(25)
    assert.ok(disk.paths().some((path) => path.startsWith('spans/')))
    await write(run, 40)

    const next = disk.killed()
    const again = await openOn(next, time, lax, work)
    assert.ok(again.work.found >= work.store.written)
    again.work.append([1], 'after')
    const number = again.store.staging
    again.store.hard()
    await time.until(again.store.synced(number))
    const later = await openOn(next.crash(), time, lax, again.work)
    assert.ok(later.work.found >= number, `seed ${seed}`)
    await time.until(later.work.verify())
    await commit(later)
    await time.until(later.store.close())
  }
})

test('a start that misses a span removes nothing', async () => {
  const { time, disk } = newDisk(1)
  const run = await openOn(disk, time, lax)
  const { store, work } = run
  work.machine.needs = (partition, last) => last >= store.bounds(partition).start
  work.create(1)
  work.create(2)
  await write(run, 40)
  work.trim(1, store.bounds(1).next)
  for (let i = 0; i < 200; i++) await time.advance(25)
  await time.until(store.close())
  const [span] = disk.paths().filter((path) => path.startsWith('spans/'))
  disk.link(span!, 'spans/left-over')
  await disk.remove(span!)
  await assert.rejects(openOn(disk, time, lax, work), Damaged)
  assert.ok(disk.paths().includes('spans/left-over'))
})
