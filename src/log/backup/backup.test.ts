import assert from 'node:assert/strict'
import test from 'node:test'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import type { SimRandom } from '../../world/sim/random.ts'
import type { SimTime } from '../../world/sim/time.ts'
import { Damaged } from '../damaged.ts'
import { SumMachine } from '../engine/testing/model.ts'
import { openStore } from '../engine/open-store.ts'
import { newDisk, openOn, type Run } from '../engine/testing/sim-store.ts'
import type { DurableStore, Snapshot } from '../snapshot.ts'
import { archive } from './archive.ts'
import { restoreArchive } from './restore.ts'

const spans = {
  cacheBytesMax: 8_000_000,
  openFilesMax: 64,
  mergeAfterMs: 1000,
  settleAfterMs: 4000,
  spanBytesMax: 1_000_000,
  lookEveryMs: 300,
}

let lastPartition = 0

/** A little of everything; some of it hard. */
function stageSome({ work, store }: Run, random: SimRandom, partitions: Set<number>): void {
  for (let n = random.below(4); n >= 0; n--) {
    const list = [...partitions]
    const any = (): number => list[random.below(list.length)]!
    const what = random.below(20)
    if (what === 0 || list.length < 3) {
      const partition = ++lastPartition
      partitions.add(partition)
      work.create(partition)
    } else if (what === 1 && list.length > 5) {
      const partition = any()
      partitions.delete(partition)
      work.drop(partition)
    } else if (what < 5) {
      const partition = any()
      const { start, next } = store.bounds(partition)
      work.trim(partition, start + random.below(next - start + 1))
    } else if (what < 8) {
      work.add(random.below(9), random.below(100))
    } else {
      const size = random.once(30) ? 60_000 : random.below(random.once(4) ? 12_000 : 800)
      const targets = random.once(6) ? list.slice(0, 3) : [any()]
      work.append(targets, 'p'.padEnd(size + 1, String(store.staging)), 1 + random.below(3))
    }
  }
  if (!random.once(5)) store.hard()
}

interface Copy {
  /** What was durable when it was asked for. */
  acked: number
  commit: number
  pieces: Buffer[]
  snapshot: Snapshot
}

/** Reads a snapshot at random speed, while everything goes on. */
async function copy(store: DurableStore, time: SimTime, random: SimRandom): Promise<Copy> {
  const acked = Math.max(store.durable, store.written)
  const snapshot = await store.snapshot()
  const pieces: Buffer[] = []
  for await (const piece of archive(snapshot, { release: 'test', createdAt: time.now() })) {
    pieces.push(piece)
    if (random.once(3)) await new Promise<void>((resolve) => time.after(random.below(400), resolve))
  }
  snapshot.release()
  return { acked, commit: snapshot.commit, pieces, snapshot }
}

async function* chunks(pieces: readonly Buffer[], random: SimRandom): AsyncGenerator<Buffer> {
  const all = Buffer.concat(pieces)
  for (let at = 0; at < all.length;) {
    const bytes = 1 + random.below(100_000)
    yield all.subarray(at, at + bytes)
    at += bytes
    await Promise.resolve()
  }
}

for (const durability of ['fsync', 'os'] as const) {
  test(`what is restored is the store as of one commit, whatever went on meanwhile (${durability})`, async (t) => {
    const seen = { copies: 0, spans: 0, checkpoints: 0, segments: 0, recycled: 0, held: 0 }
    for (let seed = 1; seed <= 2; seed++) {
      try {
        await copies(seed, durability, seen)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
    t.diagnostic(JSON.stringify(seen))
    assert.ok(seen.copies > 8 && seen.spans > 10 && seen.checkpoints > 10, JSON.stringify(seen))
    // Slots of one snapshot were wanted again while it was read: without the hold they would have been overwritten.
    assert.ok(seen.held > 0 && seen.recycled > 0, JSON.stringify(seen))
  })
}

async function copies(
  seed: number,
  durability: 'fsync' | 'os',
  seen: { copies: number; spans: number; checkpoints: number; segments: number; recycled: number; held: number },
): Promise<void> {
  const { time, disk, random } = newDisk(seed)
  const run = await openOn(disk, time, { spans, durability })
  const partitions = new Set<number>()
  const done: Copy[] = []
  let running = 0
  let finished: Promise<unknown> = Promise.resolve()
  for (let turn = 0; turn < 300; turn++) {
    stageSome(run, random, partitions)
    if (turn % 40 === 20 && running < 3) {
      running++
      const one = copy(run.store, time, random).then((made) => {
        running--
        done.push(made)
      })
      finished = Promise.all([finished, one])
    }
    await time.advance(random.once(10) ? 2000 : random.below(30) / 10)
    seen.held = Math.max(seen.held, run.store.metrics().snapshotBytes)
  }
  await time.until(finished)
  assert.equal(run.store.metrics().snapshots, 0)
  assert.equal(run.store.metrics().snapshotBytes, 0)
  for (const made of done) await restored(made, run, random, seen)
  await time.until(run.store.close())
}

async function restored(
  { acked, commit, pieces, snapshot }: Copy,
  run: Run,
  random: SimRandom,
  seen: { copies: number; spans: number; checkpoints: number; segments: number; recycled: number },
): Promise<void> {
  const { time } = run
  assert.ok(commit >= run.work.lastStep(acked), `acked ${acked}, copied ${commit}`)
  const target = new SimDisk(time, random)
  const journalId = random.bytes(16)
  const report = await time.until(restoreArchive(chunks(pieces, random), target, journalId))
  assert.equal(report.commit, commit)
  seen.copies++
  for (const { path } of snapshot.files) {
    if (path.startsWith('spans/')) seen.spans++
    else if (path.startsWith('checkpoint/')) seen.checkpoints++
    else seen.segments++
    if (path.startsWith('journal/') && !sameStart(run, path, pieces)) seen.recycled++
  }
  const again = await openOn(target.crash(), time, { spans }, run.work)
  assert.equal(run.work.lastStep(again.work.found), run.work.lastStep(commit))
  await time.until(again.work.verify())
  // It goes on: commits, seals, checkpoints, and opens once more.
  const partitions = new Set(again.work.partitionsNow())
  for (let turn = 0; turn < 30; turn++) {
    stageSome(again, random, partitions)
    await time.advance(random.below(3))
  }
  await time.until(again.store.close())
  again.work.acked = again.store.durable
  const last = await openOn(again.disk.killed(), time, { spans }, again.work)
  await time.until(last.work.verify())
  await time.until(last.store.close())
}

/** Does the store's slot still begin with what the snapshot has of it? */
function sameStart({ disk }: Run, path: string, pieces: readonly Buffer[]): boolean {
  if (!disk.paths().includes(path)) return false
  const begins = pieces.findIndex((piece) => piece.length === 512 && piece.toString('utf8', 0, path.length) === path)
  return disk
    .bytesOf(path)
    .subarray(0, 120)
    .equals(pieces[begins + 1]!.subarray(0, 120))
}

/** Messages that are done with as soon as they come, and a few that stay: segments die, checkpoints move on. */
async function consumeMuch({ work, store, time }: Run, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    work.append([1], 'x'.repeat(9000))
    work.trim(1, store.bounds(1).next)
    if (turn % 20 === 0) work.append([2], `kept ${turn}`)
    store.hard()
    await time.advance(100)
  }
}

async function consumed(seed: number): Promise<Run> {
  const { time, disk } = newDisk(seed)
  const run = await openOn(disk, time, { spans, checkpointMs: 1000 })
  run.work.create(1)
  run.work.create(2)
  await consumeMuch(run, 60)
  return run
}

const collect = async (snapshot: Snapshot): Promise<Buffer[]> => {
  const pieces: Buffer[] = []
  for await (const piece of archive(snapshot, { release: 'test', createdAt: 0 })) pieces.push(piece)
  return pieces
}

test('a snapshot that is read late is as it was; its slots come back when it is released', async () => {
  const run = await consumed(3)
  const { store, time, disk } = run
  const snapshot = await time.until(store.snapshot())
  const before = disk.bytesOf(snapshot.files.at(-1)!.path).length
  assert.ok(before > 0)
  await consumeMuch(run, 200)
  const slots = (): number => disk.paths().filter((path) => path.startsWith('journal/')).length
  const kept = store.metrics().snapshotBytes
  const held = slots()
  assert.ok(kept >= 65536, `held back ${kept}`)
  const pieces = await time.until(collect(snapshot))
  await restored({ acked: 0, commit: snapshot.commit, pieces, snapshot }, run, newDisk(4).random, empty())
  snapshot.release()
  await consumeMuch(run, 100)
  assert.equal(store.metrics().snapshotBytes, 0)
  assert.ok(slots() < held, `${slots()} of ${held} slots`)
  await time.until(store.close())
})

const empty = (): { copies: number; spans: number; checkpoints: number; segments: number; recycled: number } => ({
  copies: 0,
  spans: 0,
  checkpoints: 0,
  segments: 0,
  recycled: 0,
})

test('a store that ends, fails or needs the space gives snapshots up, and says why', async () => {
  const endings: [string, (run: Run) => Promise<unknown>, RegExp][] = [
    ['close', ({ store }) => store.close(), /closed/],
    [
      'failure',
      async ({ store, disk, time }) => {
        disk.faults = { fail: (operation) => (operation === 'commit' ? 'io' : null), delayMs: () => 0 }
        store.hard()
        store.stageEntry(1, 1, Buffer.from([1]))
        await time.advance(1000)
        assert.equal(store.health.state, 'failed')
      },
      /simulated/,
    ],
    [
      'full',
      async (run) => {
        run.disk.capacityBytes = 0
        await consumeMuch(run, 60)
        assert.equal(run.store.health.state, 'full')
      },
      /no space/,
    ],
  ]
  for (const [name, end, why] of endings) {
    const run = await consumed(5)
    const snapshot = await run.time.until(run.store.snapshot())
    await run.time.until(end(run))
    assert.match(snapshot.failure?.detail ?? 'it goes on', why, name)
    await assert.rejects(run.time.until(collect(snapshot)), why, name)
    await assert.rejects(run.time.until(run.store.snapshot()), why, name)
    assert.equal(run.store.metrics().snapshots, 0, name)
  }
})

test('in memory there is nothing to copy', async () => {
  const time = newDisk(1).time
  const world = { clock: time, timers: time, random: newDisk(1).random }
  const store = await time.until(openStore({ world, machine: new SumMachine() }))
  await assert.rejects(store.snapshot(), /in memory/)
  await time.until(store.close())
})

test('an archive that is cut short, changed or of something else is refused, wherever it is bad', async () => {
  const run = await consumed(6)
  const { time } = run
  const whole = Buffer.concat(await time.until(collect(await time.until(run.store.snapshot()))))
  await time.until(run.store.close())
  const restore = (bytes: Buffer): Promise<unknown> => {
    const disk = new SimDisk(time, newDisk(1).random)
    return time.until(restoreArchive(chunks([bytes], newDisk(2).random), disk, Buffer.alloc(16, 7)))
  }
  await restore(whole)
  await restore(Buffer.concat([whole, Buffer.alloc(9216)])) // As tar fills its last record.
  const step = Math.ceil(whole.length / 40)
  for (let at = 0; at < whole.length - 512; at += step) await assert.rejects(restore(whole.subarray(0, at)), Damaged)
  for (let at = 600; at < whole.length - 1024; at += step) {
    const flipped = Buffer.from(whole)
    flipped[at]! ^= 4
    await assert.rejects(restore(flipped), Damaged, `at ${at}`)
  }
  await assert.rejects(restore(Buffer.from('hello'.repeat(1000))), /not the header of a tar entry/)
  const elsewhere = Buffer.from(whole.toString('latin1').replaceAll('journal/slot', '../../../slots'), 'latin1')
  await assert.rejects(restore(elsewhere), Damaged)
})
