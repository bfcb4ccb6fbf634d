import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk, type SimOperation } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { checkData } from '../check/index.ts'
import { defaultSpanLimits } from '../span/index.ts'
import type { Life } from '../store.ts'
import { smallOptions, TestMachine, TestStore } from '../testing/test-store.ts'

const partitions = 8
const lives: Life[] = ['consumed', 'hours', 'days', 'long']

/** What a crash must not take back: per partition the end of what was acknowledged, and the last start that was. */
interface Acked {
  next: number
  start: number
  /** Trimmed to here, perhaps durably. */
  asked: number
}

const options = {
  ...smallOptions,
  slotBytes: 128 * 1024,
  checkpointBytes: 256 * 1024,
  spans: { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024, lookEveryMs: 20_000 },
}

class Run {
  readonly random: SimRandom
  readonly acked = Array.from({ length: partitions }, (): Acked => ({ next: 0, start: 0, asked: 0 }))
  readonly machine = new TestMachine()
  readonly sizes: Map<string, number>
  test: TestStore
  disk: SimDisk
  crashed: SimDisk | null = null

  constructor(seed: number) {
    this.random = new SimRandom(seed)
    this.test = new TestStore(options, undefined, this.machine)
    this.sizes = this.test.sizes
    this.disk = new SimDisk(this.test.time, this.random)
    for (let partition = 0; partition < partitions; partition++)
      this.machine.lives.set(partition, lives[partition % 4]!)
  }

  async open(): Promise<void> {
    this.crashed = null
    this.test = new TestStore(options, this.disk, this.machine, this.test.time)
    this.sizes.forEach((bytes, key) => this.test.sizes.set(key, bytes))
    await this.test.open()
  }

  /**
   * The machine stops for good at some operation: any, or around one on spans and indexes, or around the removal of a
   * file, which must not come before the entry that makes it superfluous.
   */
  crashSometime(): void {
    const { random, disk } = this
    const kind = random.below(4)
    const counts = (operation: SimOperation, path: string): boolean =>
      kind === 0 || (kind === 1 ? path.startsWith('spans/') || path.startsWith('index/') : operation === 'remove')
    let hits = 1 + random.below([1500, 25, 4, 4][kind]!)
    let more = random.below(3)
    disk.onOperation = (operation, path) => {
      if (hits > 0 && counts(operation, path)) hits--
      if (hits === 0 && more-- === 0 && this.crashed === null) this.crashed = disk.crash()
    }
  }

  async work(): Promise<void> {
    const { test, random, machine } = this
    for (let round = 0; this.crashed === null; round++) {
      if (round > 40) this.crashed = this.disk.crash()
      for (let n = 2 + random.below(10); n > 0; n--) {
        test.append(random.below(partitions), 500 + random.below(random.once(20) ? 100_000 : 6000))
      }
      const trims = random.once(4) ? this.trim() : []
      const ends = this.acked.map((_, partition) => test.store.bounds(partition).next)
      const commit = test.store.staging
      await test.commit()
      if (test.store.durable >= commit) {
        ends.forEach((next, partition) => (this.acked[partition]!.next = next))
        for (const { partition, start } of trims) this.acked[partition]!.start = start
        this.consume(machine)
      }
      if (this.crashed !== null) break
      if (random.once(3)) await test.pass(random.once(3) ? 1_900_000 : 61_000, 20_000)
      else await test.time.advance(200)
    }
    test.sizes.forEach((bytes, key) => this.sizes.set(key, bytes))
    this.disk = this.crashed!
  }

  private trim(): { partition: number; start: number }[] {
    const partition = this.random.below(partitions)
    const { start, next } = this.test.store.bounds(partition)
    const to = start + this.random.below(Math.max(1, next - start))
    if (to <= start || to > this.acked[partition]!.next) return []
    this.test.store.stageTrim(partition, to)
    this.acked[partition]!.asked = to
    return [{ partition, start: to }]
  }

  private consume(machine: TestMachine): void {
    for (let partition = 0; partition < partitions; partition += 4) {
      const { next } = this.acked[partition]!
      for (let offset = machine.consumed.get(partition) ?? 0; offset < next; offset++) {
        if (this.random.once(15)) machine.stuck.add(`${partition}/${offset}`)
      }
      machine.consumed.set(partition, next)
    }
  }

  async verify(): Promise<void> {
    for (const [partition, { next, start, asked }] of this.acked.entries()) {
      const bounds = this.test.store.bounds(partition)
      assert.ok(bounds.next >= next, `partition ${partition} ends at ${bounds.next}, acknowledged ${next}`)
      assert.ok(
        bounds.start >= start && bounds.start <= Math.max(asked, start),
        `partition ${partition} starts elsewhere`,
      )
      const found = new Set(await this.test.readAll(partition))
      for (let offset = bounds.start; offset < next; offset++) {
        if (!this.machine.needed(partition, offset, offset)) continue
        assert.ok(found.has(offset), `partition ${partition}, offset ${offset} is lost`)
      }
      // What was not acknowledged and survived counts from now on.
      this.acked[partition] = { next: bounds.next, start: bounds.start, asked: bounds.start }
    }
  }
}

async function crashing(seed: number, crashes: number): Promise<void> {
  const run = new Run(seed)
  await run.open()
  for (let partition = 0; partition < partitions; partition++) run.test.store.createPartition(partition)
  await run.test.commit()
  for (let n = 0; n < crashes; n++) {
    run.crashSometime()
    await run.work()
    await run.open()
    await run.verify()
  }
  await run.test.time.until(run.test.store.close())
  const { findings } = await run.test.time.until(checkData(run.disk))
  assert.deepEqual(
    findings.filter((found) => found.severity === 'loss'),
    [],
  )
}

for (let seed = 1; seed <= 6; seed++) {
  test(`crashes while segments are sealed, adopted, settled and recycled: seed ${seed}`, async () => {
    await crashing(seed, 3)
  })
}
