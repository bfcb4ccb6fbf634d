import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { SimDisk, SimFaults } from '../../world/sim/sim-disk.ts'
import type { SimTime } from '../../world/sim/time.ts'
import { mendCheckpoint } from '../checkpoint/index.ts'
import { recordBytes } from '../checkpoint/format.ts'
import { Damaged, Mended } from '../damaged.ts'
import { survey } from './recovery.ts'
import type { Workload } from './testing/model.ts'
import { commit, newDisk, openOn, type Run } from './testing/sim-store.ts'

const options = { checkpointBytes: 60_000 }
const healthy: SimFaults = { fail: () => null, delayMs: (operation) => (operation === 'commit' ? 0.1 : 0) }

/** A journal that is trimmed: without a checkpoint its state is gone. */
async function workOn(run: Run, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    run.work.append([1], 'x'.repeat(3000))
    for (let object = 0; object < 20; object++) run.work.add(object, i)
    run.work.trim(1, run.store.bounds(1).next - 1)
    await commit(run)
    await run.time.advance(300)
  }
}

let time: SimTime
let written: SimDisk
let work: Workload

before(async () => {
  const made = newDisk(21)
  ;({ time, disk: written } = made)
  const run = await openOn(written, time, options)
  ;({ work } = run)
  work.create(1)
  await workOn(run, 120)
  await time.until(run.store.close())
})

const filesOf = (disk: SimDisk, suffix: string): string[] =>
  disk.paths().filter((path) => path.startsWith('checkpoint/') && path.endsWith(suffix))

const copyOf = (path: string): string => path.replace('.ckp', '.copy')

async function surveyed(disk: SimDisk): Promise<{ reports: Error[]; newest: number }> {
  const reports: Error[] = []
  const found = await time.until(survey(disk, (error) => void reports.push(error)))
  return { reports, newest: found.checkpoints[0]!.number }
}

async function opensWhole(disk: SimDisk): Promise<void> {
  const again = await openOn(disk, time, options, work)
  await time.until(again.work.verify())
  await time.until(again.store.close())
}

/** Where the records of a checkpoint file begin, and its footer. */
function recordsOf(bytes: Buffer): number[] {
  const places: number[] = []
  const end = bytes.length - 16
  for (let at = 0; at < end; at += recordBytes(bytes, at)) places.push(at)
  return places
}

test('each checkpoint is there twice, byte for byte', () => {
  const files = filesOf(written, '.ckp')
  assert.ok(files.length >= 2)
  assert.deepEqual(filesOf(written, '.copy'), files.map(copyOf))
  for (const path of files) assert.ok(written.bytesOf(path).equals(written.bytesOf(copyOf(path))), path)
})

test('a start that needs the copy says so, and writes the file again', async () => {
  for (const path of filesOf(written, '.ckp')) {
    const damages: ((disk: SimDisk) => Promise<void> | void)[] = [
      (disk) => disk.flip(path, 20, 1),
      (disk) => disk.overwrite(path, Buffer.alloc(100), written.bytesOf(path).length - 100),
      (disk) => disk.remove(path),
    ]
    for (const damage of damages) {
      const disk = written.copy()
      await damage(disk)
      const before = (await surveyed(written.copy())).newest
      const { reports, newest } = await surveyed(disk)
      assert.equal(newest, before, 'the newest one is used')
      assert.equal(reports.length, 1)
      assert.ok(reports[0] instanceof Mended && reports[0].message.startsWith(path), String(reports[0]))
      assert.ok(disk.bytesOf(path).equals(written.bytesOf(path)))
      assert.deepEqual((await surveyed(disk)).reports, [], 'said once')
      await opensWhole(disk.crash())
    }
  }
})

test('what is bad in one file is taken from the other, record by record', async () => {
  for (const path of filesOf(written, '.ckp')) {
    const disk = written.copy()
    const places = recordsOf(disk.bytesOf(path))
    places.forEach((at, n) => disk.flip(n % 2 === 0 ? path : copyOf(path), at + 9, 4))
    assert.equal((await surveyed(disk)).reports.length, 1)
    for (const each of [path, copyOf(path)]) assert.ok(disk.bytesOf(each).equals(written.bytesOf(path)), each)
    await opensWhole(disk)
  }
})

test('what is bad in both is damage, and nothing is written over', async () => {
  const path = filesOf(written, '.ckp')[0]!
  const disk = written.copy()
  for (const each of [path, copyOf(path)]) disk.flip(each, 20, 1)
  const before = disk.bytesOf(path)
  await assert.rejects(mendCheckpoint(disk, Number.parseInt(path.slice('checkpoint/'.length))), Damaged)
  assert.ok(disk.bytesOf(path).equals(before))
})

test('a file that the disk cannot read, or not write again, does not keep the store from starting', async () => {
  for (const path of filesOf(written, '.ckp')) {
    const unreadable = written.copy()
    unreadable.faults = { ...healthy, fail: (operation, of) => (operation === 'read' && of === path ? 'io' : null) }
    await opensWhole(unreadable)
    const fixed = written.copy()
    fixed.flip(path, 20, 1)
    fixed.faults = { ...healthy, fail: (_, of) => (of.endsWith('.tmp') ? 'io' : null) }
    const { reports } = await surveyed(fixed)
    assert.match(String(reports[0]), /cannot be written again/)
    await opensWhole(fixed)
  }
})

test('a folder of a release without copies is read without a word, and its next checkpoint has one', async () => {
  const disk = written.copy()
  for (const path of filesOf(disk, '.copy')) await disk.remove(path)
  assert.deepEqual((await surveyed(disk)).reports, [])
  const run = await openOn(disk, time, options, work)
  const before = filesOf(disk, '.ckp').at(-1)!
  for (let i = 0; i < 60 && filesOf(disk, '.copy').length === 0; i++) {
    run.work.append([1], 'x'.repeat(3000))
    await commit(run)
    await time.advance(300)
  }
  const newest = filesOf(disk, '.copy').at(-1)
  assert.ok(newest !== undefined && newest > copyOf(before), newest)
  await time.until(run.store.close())
})

test('without space for the copy a checkpoint is kept once, and twice when there is space again', async () => {
  const made = newDisk(22)
  const run = await openOn(made.disk, made.time, options)
  run.work.create(1)
  made.disk.faults = { ...healthy, fail: (_, path) => (path.endsWith('.copy.tmp') ? 'full' : null) }
  await workOn(run, 60)
  assert.ok(filesOf(made.disk, '.ckp').length > 0)
  assert.deepEqual(filesOf(made.disk, '.copy'), [])
  made.disk.faults = healthy
  await workOn(run, 80)
  const files = filesOf(made.disk, '.ckp')
  assert.deepEqual(filesOf(made.disk, '.copy'), files.map(copyOf))
  await made.time.until(run.store.close())
  const again = await openOn(made.disk.crash(), made.time, options, run.work)
  await made.time.until(again.work.verify())
  await made.time.until(again.store.close())
})
