import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { defaultSpanLimits } from '../span/index.ts'
import type { ExtentFacts } from '../store.ts'
import { TestMachine, TestStore } from '../testing/test-store.ts'

const partitions = 3
const seeds = Number(process.env['TEST_READ_SEEDS'] ?? 4)
const firstSeed = Number(process.env['TEST_READ_SEED'] ?? 1)
const steps = 250

interface Kept {
  baseOffset: number
  count: number
  batch: Buffer
}

/** A store under load, and all that was ever appended to it. */
class Reads {
  readonly random: SimRandom
  readonly disk: SimDisk
  readonly store: TestStore
  readonly machine = new TestMachine()
  readonly kept: Kept[][] = Array.from({ length: partitions }, () => [])

  constructor(seed: number) {
    const time = new SimTime()
    this.random = new SimRandom(seed)
    this.disk = new SimDisk(time, new SimRandom(seed))
    const spans = { ...defaultSpanLimits, mergeAfterMs: 500, settleAfterMs: 2000, lookEveryMs: 200 }
    const slotBytes = 128 * 1024
    this.store = new TestStore(
      { spans, slotBytes, frameBytesMax: 16 * 1024, tailBytes: 256 * 1024 },
      this.disk,
      this.machine,
      time,
    )
  }

  below(n: number): number {
    return this.random.below(n)
  }

  /** One commit: batches of several partitions, some of which share their bytes, and not staged in the order of offsets. */
  append(): void {
    const { store } = this.store
    const bytes = Array.from({ length: 1 + this.below(4) }, () =>
      Buffer.alloc(this.below(10) === 0 ? 40_000 : 1 + this.below(5000), this.below(256)),
    )
    const payloads = bytes.map((each) => store.stagePayload(each))
    for (let n = 1 + this.below(6); n > 0; n--) {
      const partition = this.below(partitions)
      const which = this.below(bytes.length)
      const baseOffset = store.bounds(partition).next + (this.below(8) === 0 ? this.below(3) : 0)
      const count = 1 + this.below(3)
      const facts = { baseOffset, count, maxTimestamp: 0, appendTime: 0, flags: 0, meta: Buffer.alloc(0) }
      store.stageExtent(partition, facts, payloads[which]!)
      this.kept[partition]!.push({ baseOffset, count, batch: bytes[which]! })
    }
  }

  /** Most of what a partition has is done with, some stays for good; or all of it up to somewhere is dropped. */
  consume(): void {
    const partition = this.below(partitions)
    const { start, next } = this.store.store.bounds(partition)
    const from = Math.max(start, this.machine.consumed.get(partition) ?? 0)
    const to = from + this.below(next - from + 1)
    for (let offset = from; offset < to; offset++)
      if (this.below(12) === 0) this.machine.stuck.add(`${partition}/${offset}`)
    this.machine.consumed.set(partition, to)
    if (this.below(8) === 0) this.store.store.stageTrim(partition, start + this.below(to - start + 1))
  }

  needed(partition: number, from: number, upTo: number): Kept[] {
    const first = Math.max(from, this.store.store.bounds(partition).start)
    if (first >= upTo) return []
    return this.kept[partition]!.filter(({ baseOffset, count }) => {
      const end = baseOffset + count
      return baseOffset < upTo && end > first && this.machine.needed(partition, Math.max(first, baseOffset), end - 1)
    })
  }

  /** While it is read, other things happen. */
  async read(): Promise<void> {
    const partition = this.below(partitions)
    const { start, next } = this.store.store.bounds(partition)
    const from = Math.max(0, start - 2) + this.below(next - start + 3)
    const upTo = this.below(3) === 0 ? from + this.below(20) : next
    const bytesMax = [1, 3000, 20_000, 1_000_000][this.below(4)]!
    const found = await this.meanwhile(this.store.store.read(partition, from, upTo, bytesMax))
    for (const { baseOffset, batch } of found) {
      const kept = this.kept[partition]!.find((each) => each.baseOffset === baseOffset)
      assert.ok(kept?.batch.equals(batch), `partition ${partition}: ${baseOffset} has wrong bytes`)
    }
    this.check(partition, from, upTo, next, found)
  }

  async extents(): Promise<void> {
    const partition = this.below(partitions)
    const { start, next } = this.store.store.bounds(partition)
    const from = start + this.below(next - start + 1)
    const limit = [1, 20, 1000][this.below(3)]!
    const found = await this.meanwhile(this.store.store.extents(partition, from, limit))
    assert.ok(found.length <= limit)
    // What came during the call may be there, too.
    this.check(partition, from, Infinity, next, found)
  }

  private async meanwhile<T>(reading: T | Promise<T>): Promise<T> {
    if (reading instanceof Promise && this.below(2) === 0) {
      this.append()
      if (this.below(2) === 0) this.store.store.hard()
      if (this.below(2) === 0) this.consume()
      await this.store.time.advance(this.below(20))
    }
    return this.store.time.until(Promise.resolve(reading))
  }

  private check(partition: number, from: number, upTo: number, next: number, found: readonly ExtentFacts[]): void {
    const what = `partition ${partition} from ${from} to ${Math.min(upTo, next)}`
    let reached = from
    for (const { baseOffset, count } of found) {
      const kept = this.kept[partition]!.find((each) => each.baseOffset === baseOffset)
      assert.ok(kept?.count === count, `${what}: ${baseOffset} is none`)
      assert.ok(baseOffset + count > reached && baseOffset < upTo, `${what}: ${baseOffset} does not belong here`)
      reached = baseOffset + count
    }
    const through = found.length === 0 ? Math.min(upTo, next) : reached
    const given = new Set(found.map((each) => each.baseOffset))
    const missing = this.needed(partition, from, through).filter((each) => !given.has(each.baseOffset))
    assert.deepEqual(
      missing.map((each) => each.baseOffset),
      [],
      `${what}: ${found.length} given up to ${through}`,
    )
  }
}

async function play(seed: number): Promise<Reads> {
  const reads = new Reads(seed)
  await reads.store.open()
  for (let partition = 0; partition < partitions; partition++) {
    reads.store.store.createPartition(partition)
    reads.machine.lives.set(partition, (['consumed', 'days', 'long'] as const)[partition]!)
  }
  reads.disk.faults = { fail: () => null, delayMs: (operation) => (operation === 'read' ? reads.below(8) : 0.2) }
  for (let step = 0; step < steps; step++) {
    const what = reads.below(100)
    if (what < 40) {
      reads.append()
      if (what < 30) await reads.store.commit()
    } else if (what < 75) await reads.read()
    else if (what < 85) await reads.extents()
    else if (what < 92) reads.consume()
    else if (what < 99) await reads.store.pass(200 + reads.below(3000), 200)
    else await reads.store.reopen()
  }
  for (let n = 0; n < 50; n++) {
    await reads.read()
    await reads.extents()
  }
  await reads.store.time.until(reads.store.store.close())
  return reads
}

test('a read leaves out nothing that is needed, and is empty only when there is nothing, whatever happens beside it', async () => {
  let settled = 0
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const reads = await play(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
    settled += reads.store.store.metrics().settledBytes
  }
  assert.ok(settled > 0, 'the cleaner had work')
})
