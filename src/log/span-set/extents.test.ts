import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { DiskError } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { range, TestMachine, TestStore } from '../testing/test-store.ts'

const partition = 0
/** Of each of two spans: more than one chunk of an index has. */
const settled = 300
const records = 2 * settled + 20
const slotBytes = 1024 * 1024
const hourMs = 3_600_000

const time = new SimTime()
const machine = new TestMachine()
const spans = { ...defaultSpanLimits, lookEveryMs: 30_000 }
let written: SimDisk

const metaOf = (offset: number): Buffer => Buffer.from(`meta-of-${String(offset).padStart(4, '0')}`)

function append({ store }: TestStore): void {
  const baseOffset = store.bounds(partition).next
  const meta = metaOf(baseOffset)
  const facts = { baseOffset, count: 1, maxTimestamp: 0, appendTime: 0, flags: 0, meta }
  store.stageExtent(partition, facts, store.stagePayload(Buffer.alloc(1000, baseOffset)))
}

/** A partition with extents in two settled spans; its last ones are in the journal. */
before(async () => {
  written = new SimDisk(time, new SimRandom(21))
  const store = new TestStore({ spans, slotBytes }, written, machine, time)
  await store.open()
  for (const each of [partition, 1]) store.store.createPartition(each)
  machine.lives.set(1, 'long')
  for (let span = 0; span < 2; span++) {
    for (let n = 0; n < settled; n++) {
      append(store)
      if (n % 20 === 19) await store.commit()
    }
    // Fills the rest of the segment.
    for (let n = 0; n < 30; n++) {
      store.append(1, 30_000)
      await store.commit()
    }
    await store.pass(2 * hourMs, 60_000)
  }
  assert.equal(written.paths().filter((path) => path.startsWith('spans/') && path.endsWith('.days')).length, 2)
  for (let n = 2 * settled; n < records; n++) append(store)
  await store.commit()
  await time.until(store.store.close())
})

async function running(): Promise<{ store: TestStore; disk: SimDisk }> {
  const disk = written.copy()
  const store = new TestStore({ spans, slotBytes }, disk, machine, time)
  await store.open()
  return { store, disk }
}

/** Goes through all extents, on behind what is damaged, and again where the disk gave an error. */
async function walk({ store }: TestStore): Promise<{ found: number[]; lost: number[] }> {
  const found: number[] = []
  const lost: number[] = []
  for (let from = 0; from < records;) {
    try {
      const extents = await time.until(Promise.resolve(store.extents(partition, from, 256)))
      if (extents.length === 0) break
      assert.deepEqual(
        extents.map(({ baseOffset }) => baseOffset),
        range(from, from + extents.length),
      )
      found.push(...range(from, from + extents.length))
      from += extents.length
    } catch (error) {
      if (error instanceof DiskError) continue
      if (!(error instanceof Damaged) || error.cost === null) throw error
      assert.equal(error.cost.first, from)
      lost.push(...range(from, error.cost.below))
      from = error.cost.below
    }
  }
  return { found, lost }
}

test('extents end before a part of the index that has rotted, and the next ones say so', async () => {
  for (const rotten of [200, 290, 310, 590]) {
    const { store, disk } = await running()
    const path = disk.paths().find((each) => each.startsWith('spans/') && disk.bytesOf(each).includes(metaOf(rotten)))!
    disk.flip(path, disk.bytesOf(path).indexOf(metaOf(rotten)), 3)
    const { found, lost } = await walk(store)
    assert.ok(lost.includes(rotten) && lost.length < settled, `lost ${lost.length}`)
    assert.deepEqual(
      [...found, ...lost].sort((a, b) => a - b),
      range(0, records),
    )
    await time.until(store.store.close())
  }
})

test('extents end before what the disk gives an error for, and go on there', async () => {
  let failed = 0
  for (let nth = 1; ; nth++) {
    const { store, disk } = await running()
    let reads = 0
    disk.faults = {
      fail: (operation, path) => (operation === 'read' && path.startsWith('spans/') && ++reads === nth ? 'io' : null),
      delayMs: () => 0.1,
    }
    const { found } = await walk(store)
    assert.deepEqual(found, range(0, records), `after an error at read ${nth}`)
    await time.until(store.store.close())
    if (reads < nth) break
    failed++
  }
  assert.ok(failed >= 2, `${failed} reads`)
})
