import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { Damaged } from '../damaged.ts'
import { aligned, frameMagic, segmentSeqAt } from '../frame/index.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { TestMachine, TestStore } from '../testing/test-store.ts'
import { repairData, type RepairReport } from './repair-data.ts'
import { fillerSizes } from './repair-journal.ts'

const partitions = 6
const rounds = 120
const random = new SimRandom(5)
const time = new SimTime()
const machine = new TestMachine()
const sizes = new Map<string, number>()
const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 30_000 }
const options = { spans, checkpointMs: 60_000 }
const segmentSeqInHeader = 24
let disk: SimDisk

before(async () => {
  disk = new SimDisk(time, random)
  const store = new TestStore(options, disk, machine, time)
  await store.open()
  for (let partition = 0; partition < partitions; partition++) {
    store.store.createPartition(partition)
    machine.lives.set(partition, partition % 2 === 0 ? 'days' : 'long')
  }
  for (let round = 0; round < rounds; round++) {
    for (let partition = 0; partition < partitions; partition++) store.append(partition, 3000)
    await store.commit()
    if (round === rounds / 2) await store.pass(2 * 3_600_000, 60_000)
    if (round === rounds - 20) await store.pass(130_000, 20_000)
  }
  await store.pass(3000)
  await time.until(store.store.close())
  store.sizes.forEach((bytes, key) => sizes.set(key, bytes))
})

const repair = (broken: SimDisk): Promise<RepairReport> => time.until(repairData(broken))

/** Opens the folder and reads everything: all that was written is there but what the report calls lost. */
async function opensWithout(broken: SimDisk, { lost, before }: RepairReport): Promise<void> {
  // The last records of a partition are followed by none that would show the gap.
  const unsure = before.findings.some((found) => found.detail.includes('as far as')) ? 1 : 0
  const store = new TestStore(options, broken, machine, time)
  sizes.forEach((bytes, key) => store.sizes.set(key, bytes))
  await store.open()
  for (let partition = 0; partition < partitions; partition++) {
    const found = new Set(await store.readAll(partition))
    const gone = lost.filter((range) => range.partition === partition)
    for (let offset = 0; offset < rounds - unsure; offset++) {
      const told = gone.some((range) => range.first <= offset && offset <= range.last)
      assert.ok(found.has(offset) || told, `partition ${partition}, offset ${offset} is lost, and nobody said so`)
    }
  }
  store.append(0, 100)
  await store.commit()
  await time.until(store.store.close())
}

async function broken(path: string, position: number): Promise<{ copy: SimDisk; report: RepairReport }> {
  const copy = disk.copy()
  copy.flip(path, position, random.below(8))
  const report = await repair(copy)
  assert.deepEqual(
    report.left.filter((found) => found.severity !== 'note'),
    [],
    `${path} at ${position}`,
  )
  return { copy, report }
}

test('a span with a bad payload, a bad index or a bad footer is written again without what is lost', async () => {
  for (const path of disk.paths().filter((each) => each.startsWith('spans/'))) {
    const size = disk.bytesOf(path).length
    for (const position of [0, size - 5000, size - 9000, size - 10]) {
      const { copy, report } = await broken(path, position)
      assert.ok(report.done.length > 0)
      await opensWithout(copy, report)
    }
  }
})

test('a span that is missing costs its records and nothing else', async () => {
  const path = disk.paths().find((each) => each.startsWith('spans/'))!
  const copy = disk.copy()
  await copy.remove(path)
  await assert.rejects(new TestStore(options, copy.copy(), machine, time).open(), Damaged)
  const report = await repair(copy)
  const store = new TestStore(options, copy, machine, time)
  await store.open()
  assert.ok((await store.store.read(0, 100, rounds, 10_000)).length > 0)
  await time.until(store.store.close())
  assert.ok(report.before.findings.some((found) => found.file === path && found.severity === 'loss'))
})

test('a segment that is missing or empty costs its records, and is not missed again', async () => {
  const oldest = Math.min(...(await disk.list('index')).map((name) => Number.parseInt(name)))
  const path = disk
    .paths()
    .find((each) => each.startsWith('journal/') && disk.bytesOf(each).readUInt32LE(segmentSeqInHeader) === oldest)!
  for (const how of ['missing', 'empty', 'zeros']) {
    const copy = disk.copy()
    await copy.remove(path)
    if (how !== 'missing') await (await copy.open(path, 'create')).close()
    if (how === 'zeros') copy.overwrite(path, Buffer.alloc(disk.bytesOf(path).length), 0)
    const report = await repair(copy)
    assert.deepEqual(
      report.left.filter((found) => found.severity !== 'note'),
      [],
      how,
    )
    assert.ok(report.lost.length > 0, how)
    assert.ok(
      report.done.some((each) => each.startsWith(path)),
      report.done.join(),
    )
    await opensWithout(copy, report)
  }
})

test('a bad sidecar or checkpoint costs nothing', async () => {
  for (const path of disk.paths().filter((each) => each.startsWith('index/') || each.startsWith('checkpoint/'))) {
    for (let n = 0; n < 2; n++) {
      const copy = disk.copy()
      copy.flip(path, random.below(copy.bytesOf(path).length), 3)
      const report = await repair(copy)
      assert.deepEqual(report.lost, [])
      await opensWithout(copy, report)
    }
  }
})

test('bad frames in the journal are bridged: the store opens, the rest is there, the loss is told', async () => {
  let bridged = 0
  for (const path of disk.paths().filter((each) => each.startsWith('journal/'))) {
    const bytes = disk.bytesOf(path)
    const frames: number[] = []
    for (let at = 4096; at < bytes.length; at += 4096) {
      const own = bytes.readUInt32LE(at + segmentSeqAt) === bytes.readUInt32LE(24)
      if (bytes.readUInt32LE(at) === frameMagic && own) frames.push(at)
    }
    for (const at of [frames[0]!, frames[Math.floor(frames.length / 2)]!, frames[frames.length - 2]!]) {
      for (const within of [10, 140, 4000]) {
        const { copy, report } = await broken(path, at + within)
        if (report.done.some((line) => line.includes('carry nothing'))) bridged++
        await opensWithout(copy, report)
      }
    }
    const { copy, report } = await broken(path, 40)
    await opensWithout(copy, report)
  }
  assert.ok(bridged > 10, `${bridged} stretches bridged`)
})

test('fillers have the number, the bytes and the pages of the frames they stand for', () => {
  const frame = fc.oneof(fc.integer({ min: 128, max: 5000 }), fc.integer({ min: 128, max: 200_000 }))
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 1 }), (sizes) => {
      const bytes = sizes.reduce((sum, size) => sum + size, 0)
      const to = 4096 + sizes.reduce((sum, size) => sum + aligned(size), 0)
      const stretch = { from: 4096, to, firstFrame: 5, lastFrame: 4 + sizes.length, firstLsn: 77, nextLsn: 77 + bytes }
      assert.deepEqual(fillerSizes(stretch, true), sizes)
    }),
  )
  fc.assert(
    fc.property(fc.array(frame, { minLength: 2, maxLength: 30 }), (sizes) => {
      const bytes = sizes.reduce((sum, size) => sum + size, 0)
      const to = 4096 + sizes.reduce((sum, size) => sum + aligned(size), 0)
      const stretch = { from: 4096, to, firstFrame: 5, lastFrame: 4 + sizes.length, firstLsn: 77, nextLsn: 77 + bytes }
      const filler = fillerSizes(stretch, true)
      if (filler === null) return
      assert.equal(filler.length, sizes.length)
      assert.equal(
        filler.reduce((sum, size) => sum + size, 0),
        bytes,
      )
      assert.equal(
        filler.reduce((sum, size) => sum + aligned(size), 0),
        to - 4096,
      )
      assert.ok(filler.every((size) => size >= 128))
    }),
  )
})
