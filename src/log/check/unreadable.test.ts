import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { DiskError, type Disk } from '../../world/index.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { defaultSpanLimits } from '../span/index.ts'
import { TestMachine, TestStore } from '../testing/test-store.ts'
import { checkData, type CheckReport } from './check-data.ts'
import type { LostRange } from './finding.ts'
import { repairData } from './repair-data.ts'

const partitions = 4
const rounds = 120
const time = new SimTime()
const machine = new TestMachine()
const sizes = new Map<string, number>()
const spans = { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 30_000 }
const options = { spans, checkpointMs: 60_000 }
let written: SimDisk

before(async () => {
  written = new SimDisk(time, new SimRandom(23))
  const store = new TestStore(options, written, machine, time)
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
  for (const [key, bytes] of store.sizes) sizes.set(key, bytes)
})

const pageBytes = 4096
const overlap = (from: number, bytes: number, page: number): boolean => from < page + pageBytes && page < from + bytes

/** Reads of the page fail until somebody writes it, as with a sector that has gone bad. */
function withBadPage(disk: SimDisk, path: string, page: number): Disk {
  let bad = true
  const failing = Object.create(disk) as Disk
  failing.open = async (opened, mode) => {
    const file = await disk.open(opened, mode)
    if (opened !== path) return file
    return Object.assign(Object.create(file) as typeof file, {
      read: (into: Uint8Array, at: number): Promise<number> =>
        bad && overlap(at, into.length, page)
          ? Promise.reject(new DiskError('io', 'read', path, 'EIO: i/o error, read'))
          : file.read(into, at),
      write: async (bytes: Uint8Array, at: number): Promise<void> => {
        await file.write(bytes, at)
        if (overlap(at, bytes.length, page)) bad = false
      },
    })
  }
  failing.rename = async (from, to) => {
    await disk.rename(from, to)
    if (to === path) bad = false
  }
  failing.remove = async (removed) => {
    await disk.remove(removed)
    if (removed === path) bad = false
  }
  return failing
}

const isGrave = ({ severity }: CheckReport['findings'][number]): boolean => severity !== 'note'

async function readsAllBut(disk: Disk, lost: readonly LostRange[], unsure: number): Promise<number> {
  const store = new TestStore(options, disk, machine, time)
  for (const [key, bytes] of sizes) store.sizes.set(key, bytes)
  await store.open()
  let missing = 0
  for (let partition = 0; partition < partitions; partition++) {
    const found = new Set(await store.readAll(partition))
    const gone = lost.filter((range) => range.partition === partition)
    for (let offset = 0; offset < rounds - unsure; offset++) {
      if (found.has(offset)) continue
      missing++
      const told = gone.some((range) => range.first <= offset && offset <= range.last)
      assert.ok(told, `partition ${partition}, offset ${offset} is lost, and nobody said so`)
    }
  }
  await time.until(store.store.close())
  return missing
}

/** The pages of a file that a test looks at: first, second, one of the middle, last. */
const pagesOf = (bytes: number): number[] => {
  const pages = Math.ceil(bytes / pageBytes)
  return [...new Set([0, 1, pages >> 1, pages - 1])].filter((page) => page < pages).map((page) => page * pageBytes)
}

for (const folder of ['journal', 'spans', 'index', 'checkpoint']) {
  test(`a page of ${folder} that cannot be read is a finding, and repair goes on without it`, async (t) => {
    let missing = 0
    const paths = written.paths().filter((each) => each.startsWith(`${folder}/`))
    for (const path of new Set([paths[0]!, paths[paths.length >> 1]!, paths.at(-1)!])) {
      for (const page of pagesOf(written.bytesOf(path).length)) {
        const what = `${path} at ${page}`
        const disk = withBadPage(written.copy(), path, page)
        const { findings } = await time.until(checkData(disk))
        const told = findings.filter(({ file, detail }) => file === path && detail.includes('EIO'))
        if (told.length === 0) {
          // A file that nobody needs is not read.
          await readsAllBut(disk, [], 0)
          continue
        }
        const lost = findings.flatMap((found) => found.lost)
        if (folder === 'index' || folder === 'checkpoint') assert.deepEqual(lost, [], what)
        const repaired = await time.until(repairData(disk))
        assert.deepEqual(repaired.left.filter(isGrave), [], what)
        const unsure = findings.some(({ detail }) => /as far as|nobody knows/.test(detail)) ? 1 : 0
        missing += await readsAllBut(disk, repaired.lost, unsure)
        assert.deepEqual((await time.until(checkData(disk))).findings.filter(isGrave), [], what)
      }
    }
    t.diagnostic(`${missing} records are gone, all of them told`)
  })
}
