import assert from 'node:assert/strict'
import test from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import type { Workload } from './testing/model.ts'
import { newDisk, openOn, type Run } from './testing/sim-store.ts'

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

async function live(run: Run, random: SimRandom, partitions: Set<number>, turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) {
    stageSome(run, random, partitions)
    await run.time.advance(random.once(10) ? 2000 : random.below(30) / 10)
  }
}

/** Runs until the disk has done `operations` more, then fails the power (or kills the process), and opens again. */
async function crashes(seed: number, rounds: number): Promise<{ checkpoints: number; spans: number }> {
  const random = new SimRandom(seed)
  const { time, disk } = newDisk(seed)
  let now = disk
  let before: Workload | null = null
  const seen = { checkpoints: 0, spans: 0 }
  const options = { spans, durability: seed % 3 === 0 ? 'os' : 'fsync' } as const
  for (let round = 0; round < rounds; round++) {
    const run: Run = await openOn(now, time, options, before)
    const { store, work } = run
    if (before !== null) assert.ok(work.found >= before.acked, `acked ${before.acked}, found ${work.found}`)
    await time.until(work.verify())
    const partitions = new Set(work.partitionsNow())
    const turns = random.below(120)
    await live(run, random, partitions, turns)
    seen.checkpoints += now.paths().filter((path) => path.endsWith('.ckp')).length
    seen.spans += now.paths().filter((path) => path.startsWith('spans/')).length
    before = work
    if (random.once(4)) {
      await time.until(store.close())
      before.acked = store.durable
      now = now.killed()
    } else {
      now = random.once(3) ? now.killed() : now.crash()
    }
  }
  return seen
}

test('power failures and kills at any moment, again and again, lose nothing that was acknowledged', async () => {
  const total = { checkpoints: 0, spans: 0 }
  for (let seed = 1; seed <= 6; seed++) {
    try {
      const seen = await crashes(seed, 8)
      total.checkpoints += seen.checkpoints
      total.spans += seen.spans
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  assert.ok(total.checkpoints > 4 && total.spans > 0, JSON.stringify(total))
})
