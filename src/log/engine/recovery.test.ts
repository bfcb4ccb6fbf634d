import assert from 'node:assert/strict'
import test from 'node:test'
import { Damaged } from '../damaged.ts'
import { aligned, frameBytes, readFrameHeader, type FrameHeader } from '../frame/index.ts'
import type { SimDisk } from '../../world/sim/sim-disk.ts'
import { commit, newDisk, openOn, smallOptions, type Run } from './testing/sim-store.ts'

const sector = 512
const quiet = { checkpointMs: Infinity, checkpointBytes: Infinity }

interface FoundFrame {
  path: string
  position: number
  header: FrameHeader
}

/** All frames of all slots, in the order of their numbers, older ones of recycled slots left out. */
function framesOf(disk: SimDisk): FoundFrame[] {
  const frames: FoundFrame[] = []
  for (const path of disk.paths().filter((each) => each.startsWith('journal/'))) {
    const bytes = disk.bytesOf(path)
    for (let position = 4096; position < bytes.length; position += 4096) {
      const header = readFrameHeader(bytes, position)
      if (header !== null) frames.push({ path, position, header })
    }
  }
  return frames.sort((a, b) => a.header.number - b.header.number)
}

/** Writes over old frames: fills slots, lets everything die, and goes on until a slot is used again. */
async function recycled(): Promise<Run> {
  const { time, disk } = newDisk(1)
  const run = await openOn(disk, time, { checkpointBytes: 40_000 })
  run.work.create(1)
  await commit(run)
  for (let i = 0; i < 60; i++) {
    run.work.append([1], `${i}`.padEnd(9000, '.'))
    run.work.add(3, 1)
    run.work.trim(1, run.store.bounds(1).next - 1)
    await commit(run)
    await time.advance(2000)
  }
  return run
}

test('every torn variant of the last frame, over old frames, opens to exactly what was acknowledged', async () => {
  const run = await recycled()
  const { time, work } = run
  const before = run.disk.copy()
  work.append([1], 'last'.padEnd(11_000, '!'), 2)
  work.add(3, 7)
  await commit(run)
  const frame = framesOf(run.disk).at(-1)!
  const bytes = run.disk.bytesOf(frame.path)
  const size = aligned(frameBytes(frame.header))
  const old = before.bytesOf(frame.path).subarray(frame.position, frame.position + size)
  assert.notEqual(old.length, 0)
  assert.ok(!old.equals(Buffer.alloc(old.length)), 'the frame lies over an old one')
  const sectors = size / sector
  const variants: ((i: number) => boolean)[] = []
  for (let n = 0; n <= sectors; n++) variants.push((i) => i < n)
  for (let n = 0; n < sectors; n++)
    variants.push(
      (i) => i !== n,
      (i) => i === n,
    )
  let whole = 0
  for (const kept of variants) {
    const disk = before.copy()
    for (let i = 0; i < sectors; i++) {
      const at = frame.position + i * sector
      if (kept(i)) disk.overwrite(frame.path, bytes.subarray(at, at + sector), at)
    }
    const after = framesOf(disk).at(-1)!
    const stored = disk.bytesOf(frame.path).subarray(frame.position, frame.position + frameBytes(frame.header))
    const isWhole = stored.equals(bytes.subarray(frame.position, frame.position + frameBytes(frame.header)))
    if (isWhole) whole++
    const again = await openOn(disk, time, quiet, work)
    assert.equal(again.work.found >= frame.header.commit, isWhole, `last frame ${after.header.number}`)
    await time.until(again.work.verify())
    await time.until(again.store.close())
    const third = await openOn(disk, time, quiet, again.work)
    await time.until(third.work.verify())
    await time.until(third.store.close())
  }
  assert.ok(whole >= 1 && whole < variants.length / 2)
  await time.until(run.store.close())
})

test('a flipped bit anywhere before the tail is reported with its place, and never cut', async () => {
  const { time, disk } = newDisk(2)
  const run = await openOn(disk, time, quiet)
  run.work.create(1)
  for (let i = 0; i < 12; i++) {
    run.work.append([1], `${i}`.padEnd(i % 3 === 0 ? 40_000 : 3000, '.'))
    await commit(run)
  }
  await time.until(run.store.close())
  const frames = framesOf(disk)
  assert.ok(new Set(frames.map((frame) => frame.path)).size > 1, 'several segments')
  for (const { path, position, header } of frames.slice(0, -1)) {
    const bytes = frameBytes(header)
    for (const at of [0, 33, 50, 100, 125, 128, Math.floor(bytes / 2), bytes - 1]) {
      if (at >= bytes) continue
      const rotten = disk.copy()
      rotten.flip(path, position + at, at % 8)
      await assert.rejects(openOn(rotten, time, quiet), (error: unknown) => {
        assert.ok(error instanceof Damaged, String(error))
        assert.deepEqual([error.file, error.position], [path, position])
        return true
      })
    }
  }
  for (const path of new Set(frames.map((frame) => frame.path))) {
    for (const at of [0, 9, 30, 60, 118]) {
      const rotten = disk.copy()
      rotten.flip(path, at, 3)
      await assert.rejects(openOn(rotten, time, quiet), Damaged)
    }
  }
})

test('a segment that was not adopted in time is, before a full one that the start seals', async () => {
  const { time, disk } = newDisk(5)
  // The index of a segment takes longer than its successor takes to be full.
  disk.faults = { ...disk.faults, delayMs: (_operation, path) => (path.startsWith('index/') ? 10_000 : 0) }
  let run = await openOn(disk, time, quiet)
  run.work.create(1)
  const full = ({ header, position }: FoundFrame): boolean =>
    header.segmentSeq === 2 && position === smallOptions.slotBytes! - 4096
  do await commitOne(run, 0)
  while (!full(framesOf(disk).at(-1)!))
  // In the next life one of the two is adopted, and not the other.
  const { faults } = disk
  const next = disk.crash()
  next.faults = { ...faults, delayMs: (_operation, path) => (path.startsWith('index') ? 300 : 0) }
  run = await openOn(next, time, quiet, run.work)
  while (!next.paths().some((path) => path.endsWith('.idx'))) await time.advance(50)
  await time.advance(700)
  await commitOne(run, 1)
  assert.equal(next.paths().filter((path) => path.endsWith('.idx')).length, 1)
  run = await openOn(next.crash(), time, quiet, run.work)
  assert.equal(run.store.health.state, 'ok')
  await time.until(run.work.verify())
  await time.until(run.store.close())
})

async function commitOne(run: Run, n: number): Promise<void> {
  run.work.append([1], `${n}`.padEnd(1000, '.'))
  await commit(run)
}

test('before the first commit the names of the folders are on the disk', async () => {
  const { time, disk } = newDisk(3)
  const operations: string[] = []
  disk.onOperation = (operation, path) => operations.push(`${operation} ${path}`)
  const { store } = await openOn(disk, time)
  const synced = operations.indexOf('syncFolder .')
  const committed = operations.findIndex((each) => each.startsWith('commit'))
  assert.ok(synced >= 0 && synced < committed)
  await time.until(store.close())
})
