import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { Damaged } from '../damaged.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { TestMachine, TestStore } from '../testing/test-store.ts'
import { checkData } from './check-data.ts'
import type { Finding, LostRange } from './finding.ts'
import { repairData } from './repair-data.ts'

const partitions = 4
const rounds = 120
const time = new SimTime()
const machine = new TestMachine()
const sizes = new Map<string, number>()
const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 30_000 }
/** Commits of one frame and of two. */
const options = { spans, checkpointMs: 60_000, frameBytesMax: 8192 }
const bytesOf = (round: number): number => (round % 3 === 0 ? 1000 : 3000)
let written: SimDisk

/** Settled spans, adopted segments with their indexes, the tail of the journal, a chain of checkpoints. */
before(async () => {
  written = new SimDisk(time, new SimRandom(17))
  const store = new TestStore(options, written, machine, time)
  await store.open()
  for (let partition = 0; partition < partitions; partition++) {
    store.store.createPartition(partition)
    machine.lives.set(partition, partition % 2 === 0 ? 'days' : 'long')
  }
  for (let round = 0; round < rounds; round++) {
    for (let partition = 0; partition < partitions; partition++) store.append(partition, bytesOf(round))
    await store.commit()
    if (round === rounds / 2) await store.pass(2 * 3_600_000, 60_000)
    if (round === rounds - 20) await store.pass(130_000, 20_000)
  }
  await store.pass(3000)
  await time.until(store.store.close())
  for (const [key, bytes] of store.sizes) sizes.set(key, bytes)
})

async function cut(disk: SimDisk, path: string, bytes: number): Promise<void> {
  const file = await disk.open(path, 'write')
  await file.truncate(bytes)
  await file.sync()
}

type Damage = (disk: SimDisk, path: string, bytes: number) => Promise<void> | void

const flipAt =
  (place: (bytes: number) => number): Damage =>
  (disk, path, bytes) =>
    disk.flip(path, place(bytes), 3)

const damages: Record<string, Damage> = {
  'truncated to nothing': (disk, path) => cut(disk, path, 0),
  'truncated in the middle': (disk, path, bytes) => cut(disk, path, Math.floor(bytes / 2)),
  'a bit of its beginning flipped': flipAt(() => 20),
  'a bit of its middle flipped': flipAt((bytes) => Math.floor(bytes / 2)),
  'a bit of its end flipped': flipAt((bytes) => bytes - 20),
  'zeros over a page': (disk, path, bytes) => {
    const at = Math.floor(bytes / 3 / 4096) * 4096
    disk.overwrite(path, Buffer.alloc(Math.min(4096, bytes - at)), at)
  },
  'something appended': (disk, path, bytes) => disk.overwrite(path, Buffer.alloc(5000, 0xa7), bytes),
  missing: (disk, path) => disk.remove(path),
}

const opened = async (disk: SimDisk): Promise<TestStore> => {
  const store = new TestStore(options, disk, machine, time)
  for (const [key, bytes] of sizes) store.sizes.set(key, bytes)
  await store.open()
  return store
}

/** Offsets of a partition that can be read; what is damaged is passed over. */
async function readable(store: TestStore, partition: number): Promise<Set<number>> {
  const found = new Set<number>()
  for (let from = 0; from < rounds;) {
    try {
      const extents = await time.until(Promise.resolve(store.store.read(partition, from, rounds, 50_000)))
      if (extents.length === 0) break
      for (const { baseOffset } of extents) found.add((from = baseOffset))
      from++
    } catch (error) {
      if (!(error instanceof Damaged) || error.cost === null) throw error
      from = error.cost.below
    }
  }
  return found
}

const isTold = (lost: readonly LostRange[], partition: number, offset: number): boolean =>
  lost.some((range) => range.partition === partition && range.first <= offset && offset <= range.last)

/** All that was written can be read, but what was told to be lost. Returns how many are missing. */
async function onlyToldIsMissing(
  disk: SimDisk,
  lost: readonly LostRange[],
  unsure: boolean,
  what: string,
): Promise<number> {
  const store = await opened(disk)
  let missing = 0
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readable(store, partition)
    // The last record of a partition is followed by none that would show the gap.
    for (let offset = 0; offset < rounds - (unsure ? 1 : 0); offset++) {
      if (found.has(offset)) continue
      missing++
      assert.ok(isTold(lost, partition, offset), `${what}: offset ${offset} of partition ${partition} is lost, unsaid`)
    }
  }
  store.append(0, 100)
  await store.commit()
  await time.until(store.store.close())
  return missing
}

const grave = (findings: readonly Finding[]): Finding[] => findings.filter(({ severity }) => severity !== 'note')

/** Returns what became of it, in a word for the statistics. */
async function goThrough(path: string, damage: (disk: SimDisk) => Promise<void> | void, what: string): Promise<string> {
  const broken = written.copy()
  await damage(broken)
  const before = broken.copy()
  const report = await time.until(checkData(broken))
  for (const each of before.paths())
    assert.ok(broken.bytesOf(each).equals(before.bytesOf(each)), 'check writes nothing')
  const found = grave(report.findings)
  const lost = found.flatMap((each) => each.lost)
  const unsure = found.some(({ detail }) => detail.includes('as far as'))

  let starts = true
  try {
    await onlyToldIsMissing(broken.copy(), lost, unsure, `${what}, opened as it is`)
  } catch (error) {
    if (!(error instanceof Damaged)) throw error
    starts = false
    assert.ok(found.length > 0, `${what}: the start says ${error.message}, check says nothing`)
    assert.ok(broken.paths().includes(error.file) || error.file === path, error.message)
  }
  const repaired = await time.until(repairData(broken))
  const left = grave(repaired.left)
  if (left.length > 0) return `cannot be mended: ${path.split('/')[0]}`
  const missing = await onlyToldIsMissing(broken, repaired.lost, unsure, `${what}, repaired`)
  const again = await time.until(checkData(broken))
  assert.deepEqual(grave(again.findings), [], `${what}: clean after the repair`)
  const cost = missing === 0 ? 'nothing is lost' : 'exactly what was told is lost'
  return `${starts ? 'starts' : 'refuses to start until repaired'}, ${cost}`
}

const countsOf = (outcomes: readonly string[]): string => {
  const counts = new Map<string, number>()
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join('; ')
}

/** The oldest, one of the middle, and the newest of each kind of file. */
function samples(folder: string): string[] {
  const paths = written.paths().filter((path) => path.startsWith(`${folder}/`))
  // What is cut off the newest segment, nothing tells from what was never written.
  const seqOf = (path: string): number => written.bytesOf(path).readUInt32LE(24)
  const newest = Math.max(...paths.map(seqOf))
  const used = folder === 'journal' ? paths.filter((path) => seqOf(path) > 0 && seqOf(path) < newest) : paths
  // The oldest with its copy, which all others build on, and the newest.
  if (folder === 'checkpoint') return [...paths.slice(0, 2), ...paths.slice(-2)]
  return [...new Set([used[0]!, used[used.length >> 1]!, used.at(-1)!])]
}

for (const folder of ['journal', 'spans', 'index', 'checkpoint']) {
  test(`a damaged file of ${folder}: told, mended, and nothing else is missing`, async (t) => {
    for (const [name, damage] of Object.entries(damages)) {
      const outcomes: string[] = []
      for (const path of samples(folder)) {
        const bytes = written.bytesOf(path).length
        outcomes.push(await goThrough(path, (disk) => damage(disk, path, bytes), `${path} ${name}`))
      }
      if (folder === 'index' || folder === 'checkpoint')
        assert.ok(
          outcomes.every((outcome) => outcome === 'starts, nothing is lost'),
          countsOf(outcomes),
        )
      t.diagnostic(`${name}: ${countsOf(outcomes)}`)
    }
  })
}

test('a slot whose header has rotted is not written over: the segment in it is still wanted', async () => {
  const disk = written.copy()
  const numbers = (await disk.list('index')).map((name) => Number.parseInt(name))
  const oldest = Math.min(...numbers)
  const slots = disk.paths().filter((path) => path.startsWith('journal/'))
  const path = slots.find((each) => disk.bytesOf(each).readUInt32LE(24) === oldest)!
  disk.flip(path, 20, 3)
  const store = await opened(disk)
  for (let round = 0; round < 60; round++) {
    store.append(0, 20_000)
    await store.commit()
  }
  await store.pass(3000)
  for (let partition = 0; partition < partitions; partition++) {
    assert.equal((await readable(store, partition)).size, rounds, `partition ${partition}`)
  }
  await time.until(store.store.close())
})

const casesOf = Number(process.env.TEST_DAMAGE_CASES ?? 20)

test('damage at random places of random files: told, mended, and nothing else is missing', async (t) => {
  const random = new SimRandom(Number(process.env.TEST_DAMAGE_SEED ?? 7))
  const outcomes: string[] = []
  const paths = written.paths()
  for (let n = 0; n < casesOf; n++) {
    const path = paths[random.below(paths.length)]!
    const bytes = written.bytesOf(path).length
    const at = random.below(bytes)
    const kind = random.below(4)
    const damage = (disk: SimDisk): Promise<void> | void => {
      if (kind === 0) return cut(disk, path, at)
      if (kind === 1) disk.overwrite(path, Buffer.alloc(Math.min(512, bytes - at)), at)
      else if (kind === 2) disk.overwrite(path, random.bytes(Math.min(100, bytes - at)), at)
      else disk.flip(path, at, random.below(8))
    }
    outcomes.push(await goThrough(path, damage, `case ${n}: ${path} of ${bytes} bytes at ${at}, kind ${kind}`))
  }
  t.diagnostic(countsOf(outcomes))
})
