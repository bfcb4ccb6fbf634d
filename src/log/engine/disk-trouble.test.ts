import assert from 'node:assert/strict'
import test from 'node:test'
import type { SimDisk, SimFaults, SimOperation } from '../../world/sim/sim-disk.ts'
import type { Health, Store, Undecided } from '../index.ts'
import { frameAlign } from '../frame/index.ts'
import { commit, newDisk, openOn, type Run } from './testing/sim-store.ts'

const spans = {
  cacheBytesMax: 8_000_000,
  openFilesMax: 64,
  mergeAfterMs: 1000,
  settleAfterMs: 4000,
  spanBytesMax: 1_000_000,
  lookEveryMs: 300,
}

const healthy: SimFaults = { fail: () => null, delayMs: (operation) => (operation === 'commit' ? 0.1 : 0) }

test('after a commit that could not be synced nothing is acknowledged any more, and all before it is there', async () => {
  for (const failing of ['commit', 'write'] as const) {
    const { time, disk } = newDisk(3)
    const run = await openOn(disk, time)
    const { store, work } = run
    const told: Health[] = []
    store.onHealth((health) => told.push(health))
    work.create(1)
    work.append([1], 'good')
    await commit(run)
    const acked = store.durable
    let failures = 0
    disk.faults = {
      ...healthy,
      fail: (operation, path) => {
        if (operation !== failing || !path.startsWith('journal/') || failures > 0) return null
        failures++
        return 'io'
      },
    }
    for (let i = 0; i < 5; i++) {
      work.append([1], `undecided ${i}`)
      store.hard()
      await time.advance(500)
    }
    assert.equal(failures, 1, 'not one more attempt on the same pages')
    assert.equal(store.durable, acked)
    assert.deepEqual(
      told.map((health) => health.state),
      ['failed'],
    )
    await time.until(store.close())
    disk.faults = healthy
    const again = await openOn(disk.killed(), time, {}, work)
    assert.ok(again.work.found >= acked)
    await time.until(again.work.verify())
    await time.until(again.store.close())
  }
})

test('a commit whose sync failed looks written and never will be: it is gone before anything stands on it', async () => {
  // The frame that failed is the first of a segment, or not; the process remembers it, or it has died.
  for (const [first, died] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const { time, disk } = newDisk(12)
    const undecided: Undecided = { place: null }
    const run = await openOn(disk, time, {}, null, undecided)
    run.work.create(1)
    run.work.append([1], 'good')
    await commit(run)
    for (let i = 0; first && disk.bytesOf('journal/slot-000').length < 60_000; i++) {
      run.work.append([1], `${i}`.padEnd(4000, '.'))
      await commit(run)
    }
    let failures = 0
    const failOnce = (operation: string): 'io' | null => (operation === 'commit' && failures++ === 0 ? 'io' : null)
    disk.faults = { ...healthy, fail: failOnce }
    run.work.append([1], 'undecided'.padEnd(first ? 9000 : 100))
    run.store.hard()
    await time.advance(500)
    assert.equal(run.store.health.state, 'failed')
    await time.until(run.store.close())
    assert.ok(undecided.place !== null)
    assert.equal(undecided.place.position === 0, first)

    const now = died ? disk.killed() : disk
    const again = await openOn(now, time, {}, run.work, died ? { place: null } : undecided)
    if (!died) assert.equal(undecided.place, null)
    for (let i = 0; i < 10; i++) {
      again.work.append([1], `after ${i}`)
      await commit(again)
    }
    const later = await openOn(now.crash(), time, {}, again.work)
    assert.ok(later.work.found >= again.work.acked)
    await time.until(later.work.verify())
    await time.until(later.store.close())
  }
})

test('what somebody has put in the place of a failed write meanwhile is left alone', async () => {
  const { time, disk } = newDisk(13)
  const run = await openOn(disk, time)
  run.work.create(1)
  run.work.append([1], 'good')
  await commit(run)
  await time.until(run.store.close())
  const frame = disk.bytesOf('journal/slot-000').readUInt32LE(frameAlign + 40)
  for (const place of [
    { slot: 0, position: 0, segmentSeq: 9, number: 9 },
    { slot: 0, position: frameAlign, segmentSeq: 1, number: frame + 99 },
    { slot: 7, position: 0, segmentSeq: 9, number: 9 },
  ]) {
    const again = await openOn(disk.copy(), time, {}, run.work, { place })
    await time.until(again.work.verify())
    await time.until(again.store.close())
  }
})

const isFull = (store: Store): boolean => store.health.state === 'full'

/** Appends until the store says that it is full; what a publisher may do. */
async function fillUp(run: Run): Promise<number> {
  const { store, work, time } = run
  let commits = 0
  while (store.health.state === 'ok' && commits < 2000) {
    work.append([1], 'f'.repeat(9000))
    await commit(run)
    await time.advance(50)
    commits++
  }
  return commits
}

test('on a full disk entries and trims still work, space comes back, and publishing resumes', async () => {
  const { time, disk } = newDisk(4)
  const run = await openOn(disk, time, { spans, slotsAhead: 2, slotsSpare: 2, reserveBytes: 65536 })
  const { store, work } = run
  work.create(1)
  disk.capacityBytes = 1_500_000
  run.work.machine.needs = (partition, last) => last >= store.bounds(partition).start
  for (let round = 0; round < 3; round++) {
    const commits = await fillUp(run)
    assert.equal(store.health.state, 'full', `round ${round}`)
    assert.ok(commits > 0, `${commits} commits in round ${round}`)
    for (let i = 0; i < 4; i++) {
      work.add(5, 1)
      await commit(run)
    }
    work.trim(1, store.bounds(1).next)
    await commit(run)
    for (let i = 0; i < 200 && isFull(store); i++) {
      work.add(5, 1)
      await commit(run)
      await time.advance(500)
    }
    assert.equal(store.health.state, 'ok', `space came back in round ${round}`)
  }
  await time.until(store.close())
  const again = await openOn(disk.killed(), time, { spans }, work)
  await time.until(again.work.verify())
  await time.until(again.store.close())
})

test('what frees space on a full disk is back within seconds, though nobody commits', async () => {
  const { time, disk } = newDisk(4)
  // So much is kept free that the cleaner sees no reason to hurry: its edit is the last that is committed.
  const slots = { slotsAhead: 2, slotsSpare: 2, reserveBytes: 1_500_000 }
  const run = await openOn(disk, time, { spans, ...slots, checkpointMs: 30_000, checkpointBytes: 1e9 })
  const { store, work } = run
  work.create(1)
  disk.capacityBytes = 2_060_000
  run.work.machine.needs = (partition, last) => last >= store.bounds(partition).start
  await fillUp(run)
  assert.equal(store.health.state, 'full')
  work.trim(1, store.bounds(1).next)
  await commit(run)
  await time.advance(5000)
  assert.equal(store.health.state, 'ok')
  await time.until(store.close())
})

test('others have taken all that was left: what is kept ready pays for what frees space', async () => {
  const { time, disk } = newDisk(4)
  const run = await openOn(disk, time, { spans, slotsAhead: 2, slotsSpare: 2 })
  const { store, work } = run
  work.create(1)
  run.work.machine.needs = (partition, last) => last >= store.bounds(partition).start
  for (let i = 0; i < 4; i++) {
    work.append([1], 'f'.repeat(9000))
    await commit(run)
    await time.advance(50)
  }
  // Not even an index can be written any more.
  disk.capacityBytes = used(disk)
  await fillUp(run)
  assert.equal(store.health.state, 'full')
  work.trim(1, store.bounds(1).next)
  await commit(run)
  for (let i = 0; i < 20 && isFull(store); i++) {
    work.add(5, 1)
    await commit(run)
    await time.advance(1000)
  }
  assert.equal(store.health.state, 'ok')
  await time.until(store.close())
})

test('a store that is stopped while it waits for space does not wait for it', async () => {
  // With a checkpoint after each commit one of them waits, too.
  for (const checkpointBytes of [150_000, 1]) {
    const { time, disk } = newDisk(4)
    const run = await openOn(disk, time, { spans, slotsAhead: 1, slotsSpare: 0, checkpointBytes })
    const { store, work } = run
    work.create(1)
    disk.capacityBytes = 300_000
    for (let i = 0; i < 60; i++) {
      work.append([1], 'x'.repeat(9000))
      store.hard()
      await time.advance(100)
    }
    const { acked } = work
    assert.ok(store.staging >= acked + 2, 'a commit is on its way and cannot go on')
    await time.until(store.close(), 5000)
    disk.capacityBytes = Infinity
    const again = await openOn(disk, time, { spans }, work)
    assert.ok(again.work.found >= acked)
    await time.until(again.work.verify())
    await time.until(again.store.close())
  }
})

test('a store that finds no space while it is stopped does not wait for it', async () => {
  for (let commits = 1; commits < 16; commits++) {
    const { time, disk } = newDisk(4)
    const run = await openOn(disk, time, { spans, slotsAhead: 0, slotsSpare: 0, checkpointBytes: 1 })
    const { store, work } = run
    work.create(1)
    for (let i = 0; i < commits; i++) {
      work.append([1], 'x'.repeat(9000))
      await commit(run)
    }
    disk.capacityBytes = used(disk) + 2000
    work.append([1], 'x'.repeat(9000))
    store.hard()
    await time.settle()
    await time.until(store.close(), 5000)
  }
})

test('trouble in the background is tried again, and lets nobody go', async () => {
  const trouble: [string, (operation: SimOperation, path: string) => boolean][] = [
    ['no index can be written', (_, path) => path.startsWith('index/')],
    ['no checkpoint can be written', (_, path) => path.startsWith('checkpoint/')],
    ['no span can be written', (_, path) => path.startsWith('spans/')],
    ['no name can be removed', (operation) => operation === 'remove'],
    ['no slot can be made', (operation, path) => operation === 'open' && path.startsWith('journal/')],
  ]
  for (const [i, [name, fails]] of trouble.entries()) {
    const kind = i % 2 === 0 ? 'io' : 'denied'
    const { time, disk } = newDisk(14)
    const run = await openOn(disk, time, { spans, slotsAhead: 8 })
    const { store, work } = run
    work.create(1)
    for (let n = 0; n < 12; n++) {
      work.append([1], 'x'.repeat(9000))
      await commit(run)
      await time.advance(50)
    }
    await time.advance(1000)
    disk.faults = { ...healthy, fail: (operation, path) => (fails(operation, path) ? kind : null) }
    for (let n = 0; n < 24; n++) {
      work.append([1], 'x'.repeat(9000))
      await commit(run)
      await time.advance(300)
    }
    assert.equal(store.health.state, 'ok', `${name}: ${JSON.stringify(store.health)}`)
    disk.faults = healthy
    await time.advance(20_000)
    assert.ok(
      disk.paths().some((path) => path.startsWith('checkpoint/')),
      name,
    )
    await time.until(store.close())
    const again = await openOn(disk.crash(), time, { spans }, work)
    await time.until(again.work.verify())
    await time.until(again.store.close())
  }
})

test('a disk that is full at any write loses nothing, and goes on when there is space', async () => {
  // From the first segment on, whose file grows.
  for (const before of [1, 4, 8, 20]) {
    for (let room = 0; room < 6; room++) await fullAfter(before, room * (before < 8 ? 5000 : 50_000))
  }
})

test('a disk that says it has space and gives none, as under a quota: it counts as full, and is asked now and then', async () => {
  const { time, disk } = newDisk(9)
  const run = await openOn(disk, time, { spans })
  const { store, work } = run
  work.create(1)
  work.append([1], 'kept')
  await commit(run)
  let tries = 0
  const writes = new Set<SimOperation>(['write', 'commit'])
  disk.faults = {
    ...healthy,
    fail: (operation, path) => {
      if (operation === 'open' && path.startsWith('journal/')) tries++
      return writes.has(operation) ? 'full' : null
    },
  }
  work.append([1], 'waits')
  const { acked } = work
  store.hard()
  await time.advance(10_000)
  assert.equal(store.health.state, 'full')
  assert.ok(tries > 2 && tries < 60, `${tries} files were opened`)
  assert.equal(work.acked, acked)
  disk.faults = healthy
  await time.advance(5000)
  assert.equal(store.health.state, 'ok')
  await time.until(store.close())
  const again = await openOn(disk.crash(), time, { spans }, work)
  await time.until(again.work.verify())
  await time.until(again.store.close())
})

test('a commit that finds no space for its second frame counts as full, and what is kept ready pays for it', async () => {
  const { time, disk } = newDisk(15)
  const run = await openOn(disk, time, { spans, slotBytes: 131_072, largeFrameBytes: 1, slotsSpare: 2 })
  const { store, work } = run
  work.create(1)
  for (let i = 0; i < 4; i++) {
    work.append([1], 'x'.repeat(9000))
    await commit(run)
  }
  await time.advance(5000)
  assert.equal(disk.paths().filter((path) => path.startsWith('journal/')).length, 3)
  disk.capacityBytes = used(disk) + 20_000
  work.append([1], 'x'.repeat(30_000))
  const number = store.staging
  store.hard()
  await time.advance(10_000)
  assert.equal(store.durable >= number, true)
  assert.equal(store.health.state, 'full')
  disk.capacityBytes = Infinity
  await time.advance(5000)
  assert.equal(store.health.state, 'ok')
  await time.until(store.close())
  const again = await openOn(disk.crash(), time, { spans }, work)
  await time.until(again.work.verify())
  await time.until(again.store.close())
})

async function fullAfter(commits: number, roomBytes: number): Promise<void> {
  const { time, disk } = newDisk(5)
  const run = await openOn(disk, time, { spans })
  const { store, work } = run
  work.create(1)
  for (let i = 0; i < commits; i++) {
    // Some have more than one frame.
    work.append([1], 'x'.repeat(i % 3 === 2 ? 30_000 : 4000))
    await commit(run)
    await time.advance(100)
  }
  disk.capacityBytes = used(disk) + roomBytes
  for (let i = 0; i < 60; i++) {
    if (store.health.state === 'ok') work.append([1], 'x'.repeat(i % 3 === 2 ? 30_000 : 4000))
    else work.add(1, 1)
    store.hard()
    await time.advance(200)
  }
  assert.notEqual(store.health.state, 'failed', JSON.stringify(store.health))
  disk.capacityBytes = Infinity
  await time.advance(5000)
  assert.equal(store.health.state, 'ok')
  work.append([1], 'after')
  await commit(run)
  const again = await openOn(disk.killed(), time, { spans }, work)
  assert.ok(again.work.found >= work.acked)
  await time.until(again.work.verify())
  await time.until(again.store.close())
}

function used(disk: SimDisk): number {
  return disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
}

test('a slow disk makes commits larger, not more', async () => {
  const { time, disk } = newDisk(6)
  const run = await openOn(disk, time)
  const { store, work } = run
  work.create(1)
  await commit(run)
  disk.faults = { ...healthy, delayMs: (operation) => (operation === 'commit' ? 20 : 0) }
  const before = store.metrics().commits
  for (let i = 0; i < 400; i++) {
    work.append([1], `${i}`)
    store.hard()
    await time.advance(1)
  }
  await time.advance(100)
  const commits = store.metrics().commits - before
  assert.ok(commits >= 15 && commits <= 25, `${commits} commits`)
  await time.until(work.verify())
  await time.until(store.close())
})

test('a slot with a second name is a backup’s: it is never written over', async () => {
  const { time, disk } = newDisk(9)
  const run = await openOn(disk, time, { spans, checkpointBytes: 60_000 })
  const { store, work } = run
  run.work.machine.needs = (partition, last) => last >= store.bounds(partition).start
  work.create(1)
  for (let i = 0; i < 30; i++) {
    work.append([1], `${i}`.padEnd(9000, '.'))
    await commit(run)
  }
  const held = disk.paths().filter((path) => path.startsWith('journal/'))
  for (const path of held) disk.link(path, `backup-of-${path.slice(-3)}`)
  const before = new Map(held.map((path) => [path, disk.bytesOf(path)]))
  const sealed = held.filter((path) => before.get(path)!.readUInt32LE(0) !== 0).slice(0, -1)
  work.trim(1, store.bounds(1).next)
  for (let i = 0; i < 40; i++) {
    work.append([1], `again ${i}`.padEnd(9000, '.'))
    work.trim(1, store.bounds(1).next)
    await commit(run)
    await time.advance(1000)
  }
  const reused = sealed.filter((path) => !disk.paths().includes(path) || !disk.bytesOf(path).equals(before.get(path)!))
  assert.ok(reused.length > 0, 'slots were given back')
  for (const path of sealed) assert.ok(disk.bytesOf(`backup-of-${path.slice(-3)}`).equals(before.get(path)!), path)
  await time.until(work.verify())
  await time.until(store.close())
})

test('nor is it by a start', async () => {
  const { time, disk } = newDisk(9)
  const run = await openOn(disk, time, { spans })
  run.work.create(1)
  run.work.append([1], 'x'.repeat(20_000))
  await commit(run)
  await time.advance(5000)
  await time.until(run.store.close())
  const ready = disk.paths().filter((path) => path.startsWith('journal/'))[1]!
  disk.link(ready, 'backup')
  const before = disk.bytesOf('backup')
  const again = await openOn(disk, time, { spans }, run.work)
  for (let i = 0; i < 30; i++) {
    again.work.append([1], 'y'.repeat(9000))
    await commit(again)
  }
  assert.ok(disk.bytesOf('backup').equals(before))
  await time.until(again.work.verify())
  await time.until(again.store.close())
})

test('without space for a first slot the store is refused, with the reason', async () => {
  const { time, disk } = newDisk(10)
  disk.capacityBytes = 50_000
  await assert.rejects(openOn(disk, time), /no space on the disk/)
  disk.capacityBytes = Infinity
  const run = await openOn(disk, time)
  await time.until(run.store.close())
})

test('a store that cannot write its last bytes is closed all the same: the folder can be opened again', async () => {
  const { time, disk } = newDisk(11)
  const run = await openOn(disk, time, { durability: 'os' })
  run.work.create(1)
  run.work.append([1], 'written, not synced')
  run.store.hard()
  await time.advance(20)
  disk.faults = { ...healthy, fail: (operation) => (operation === 'sync' ? 'io' : null) }
  await assert.rejects(time.until(run.store.close()), /simulated/)
  disk.faults = healthy
  const again = await openOn(disk, time)
  await time.until(again.store.close())
})
