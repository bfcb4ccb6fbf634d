import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { frameMagic, segmentSeqAt } from '../frame/index.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { TestMachine, TestStore } from '../testing/test-store.ts'
import { checkData } from './check-data.ts'
import type { Finding } from './finding.ts'

const random = new SimRandom(99)
const time = new SimTime()
let disk: SimDisk
/** Slot path to where its last frame begins. */
const framesEnd = new Map<string, number>()

/** A folder with everything in it: settled spans, adopted segments, segments of the tail, checkpoints. */
before(async () => {
  disk = new SimDisk(time, random)
  const machine = new TestMachine()
  const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 30_000 }
  const store = new TestStore({ spans, checkpointMs: 60_000 }, disk, machine, time)
  await store.open()
  for (let partition = 0; partition < 6; partition++) {
    store.store.createPartition(partition)
    machine.lives.set(partition, partition % 2 === 0 ? 'days' : 'long')
  }
  for (let round = 0; round < 60; round++) {
    for (let partition = 0; partition < 6; partition++) store.append(partition, 3000)
    await store.commit()
  }
  await store.pass(2 * 3_600_000, 60_000)
  for (let round = 0; round < 60; round++) {
    for (let partition = 0; partition < 6; partition++) store.append(partition, 3000)
    await store.commit()
    if (round === 30) await store.pass(130_000, 20_000)
  }
  await store.pass(3000)
  await time.until(store.store.close())
  for (const path of disk.paths().filter((each) => each.startsWith('journal/'))) {
    const bytes = disk.bytesOf(path)
    const seq = bytes.readUInt32LE(24)
    // The last frame of the segment may be torn; behind it are zeros or older frames, which nobody wants.
    for (let at = 4096; at < bytes.length; at += 4096) {
      if (bytes.readUInt32LE(at) === frameMagic && bytes.readUInt32LE(at + segmentSeqAt) === seq)
        framesEnd.set(path, at)
    }
  }
})

const check = async (of: SimDisk): Promise<Finding[]> => (await time.until(checkData(of))).findings

test('a folder that is whole has nothing to report', async () => {
  assert.deepEqual(await check(disk.copy()), [])
  const kinds = new Set(disk.paths().map((path) => path.slice(0, path.indexOf('/'))))
  assert.deepEqual([...kinds].sort(), ['checkpoint', 'index', 'journal', 'spans'])
})

test('one flipped bit in any span, index or checkpoint is reported, with file and position', async () => {
  const paths = disk.paths().filter((path) => !path.startsWith('journal/'))
  for (const path of paths) {
    const size = disk.bytesOf(path).length
    for (let n = 0; n < 6; n++) {
      const position = n === 0 ? size - 1 : n === 1 ? 0 : random.below(size)
      const copy = disk.copy()
      copy.flip(path, position, random.below(8))
      const findings = await check(copy)
      assert.ok(
        findings.some((found) => found.file === path && found.position <= position),
        `${path} at ${position} of ${size}: ${JSON.stringify(findings)}`,
      )
    }
  }
})

test('one flipped bit in any frame of the journal is reported, with file, position and what is lost', async () => {
  const wanted = await usedSlots()
  for (const path of wanted) {
    for (let n = 0; n < 12; n++) {
      const position = n === 0 ? 30 : 4096 + random.below(framesEnd.get(path)! - 4096)
      const copy = disk.copy()
      copy.flip(path, position, random.below(8))
      const findings = await check(copy)
      const here = findings.filter((found) => found.file === path && found.position <= position)
      assert.ok(here.length > 0, `${path} at ${position}: ${JSON.stringify(findings)}`)
      for (const { severity, bytes, lost } of here) {
        if (severity === 'loss' && bytes > 4096 && bytes < 100_000) assert.ok(lost.length > 0, `${path} at ${position}`)
      }
    }
  }
})

/** Slots whose segment is still of use: a flip in the first frame of the others is nobody's business. */
async function usedSlots(): Promise<string[]> {
  const used: string[] = []
  for (const path of framesEnd.keys()) {
    const copy = disk.copy()
    copy.flip(path, 4096 + 40, 1)
    if ((await check(copy)).length > 0) used.push(path)
  }
  assert.ok(used.length >= 5, `${used.length} slots in use`)
  return used
}
