import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultOptions } from '../../log/index.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import type { Id, ReadPart } from '../facade/index.ts'
import { ok, records, Stand } from '../testing/stage.ts'

const partitions = 8
/** Of a record; the partition whose number is 0 gets four times as many as each of the others. */
const valueBytes = 8000
const rounds = 250
const mebi = 1024 * 1024
const blockBytes = mebi / 4

/** More than the caches hold, in segments that are all adopted. */
async function filled(): Promise<{ stand: Stand; log: Id; reads(): number }> {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const stand = new Stand('journal', disk)
  const spans = { ...defaultOptions.spans, cacheBytesMax: 4 * mebi, lookEveryMs: 0 }
  Object.assign(stand.storeOptions, { slotBytes: 2 * mebi, tailBytes: 20_000, spans })
  stand.time = time
  await stand.start()
  const log = await stand.log('l', { partitions })
  const client = await stand.client()
  for (let round = 0; round < rounds; round++) {
    const each = Array.from({ length: partitions + 3 }, (_, i) => Math.max(0, i - 3))
    const ops = each.map((partition) => {
      const value = `${round}`.padEnd(valueBytes, '.')
      return { op: 'append' as const, log, partition, ...records(value) }
    })
    await stand.commit(client, ...ops)
  }
  await stand.settle(5000)
  let reads = 0
  disk.onOperation = (operation, path) => {
    if (operation === 'read' && path.startsWith('journal/')) reads++
  }
  return { stand, log, reads: () => reads }
}

/** Reads all partitions to their ends as a consumer does: as many bytes of each, again and again. */
async function consume(stand: Stand, log: Id, bytesMax: number): Promise<{ rounds: string[][]; answers: number }> {
  const parts: ReadPart[] = Array.from({ length: partitions }, (_, partition) => {
    return { log, partition, offset: 0, bytesMax }
  })
  const found: string[][] = parts.map(() => [])
  let answers = 0
  for (let some = true; some; answers++) {
    const wait = { session: 0, bytesMin: 1, bytesMax: partitions * bytesMax, waitMs: 0 }
    const results = await stand.wait(stand.broker.read(parts, wait))
    some = false
    for (const [i, result] of results.entries()) {
      for (const batch of ok(result).batches) {
        some = true
        assert.equal(batch.baseOffset, parts[i]!.offset)
        parts[i]!.offset = batch.baseOffset + batch.count
        found[i]!.push(String(batch.table.value(0)).replaceAll('.', ''))
      }
    }
  }
  return { rounds: found, answers: answers - 1 }
}

test('who reads many partitions together has each block read about once, though they move on at different speeds', async () => {
  const { stand, log, reads } = await filled()
  const bytesMax = 20 * valueBytes
  const { rounds: found, answers } = await consume(stand, log, bytesMax)
  const expected = Array.from({ length: rounds }, (_, round) => String(round))
  for (let partition = 1; partition < partitions; partition++) assert.deepEqual(found[partition], expected)
  assert.deepEqual(
    found[0],
    expected.flatMap((round) => [round, round, round, round]),
  )
  const blocks = (rounds * (partitions + 3) * valueBytes) / blockBytes
  assert.ok(reads() < 1.25 * blocks, `${reads()} reads for ${blocks.toFixed(0)} blocks`)
  // The partition with the most needs so many, whatever the others get.
  assert.ok(answers <= Math.ceil((4 * rounds * valueBytes) / bytesMax) + 5, `${answers} answers`)
})

test('whichever partitions are read together, by many readers and while segments are settled: all of each, in order', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new SimRandom(seed)
    const time = new SimTime()
    const stand = new Stand('journal', new SimDisk(time, new SimRandom(seed)))
    const clocks = { mergeAfterMs: random.once(2) ? 1000 : 20_000, settleAfterMs: 30_000, lookEveryMs: 500 }
    const spans = { ...defaultOptions.spans, ...clocks, cacheBytesMax: 2 * mebi }
    Object.assign(stand.storeOptions, { slotBytes: mebi / 2, tailBytes: 20_000, spans })
    stand.time = time
    await stand.start()
    const log = await stand.log('l', { partitions })
    const client = await stand.client()
    const ends = Array.from({ length: partitions }, () => 0)
    for (let round = 0; round < 100; round++) {
      const ops = ends.flatMap((_, partition) => {
        // The first gets most, the last hardly anything.
        if (random.below(partitions) < partition) return []
        const value = `${ends[partition]!++}`.padEnd(2000 + random.below(20_000), '.')
        return [{ op: 'append' as const, log, partition, ...records(value) }]
      })
      await stand.commit(client, ...ops)
    }
    await stand.settle(random.below(2000))
    const readers = [1, 2].map(() => ends.map(() => 0))
    for (let turn = 0; readers.some((at) => at.some((offset, i) => offset < ends[i]!)); turn++) {
      const at = readers[random.below(2)]!
      const bytesMax = 1 + random.below(60_000)
      const all = at.map((offset, partition): ReadPart => ({ log, partition, offset, bytesMax }))
      const parts = all.filter(() => !random.once(4))
      const wait = { session: 0, bytesMin: random.below(50_000), bytesMax: 1 + random.below(300_000), waitMs: 0 }
      const results = await stand.wait(stand.broker.read(parts, wait))
      let some = false
      for (const [i, result] of results.entries()) {
        const { partition } = parts[i]!
        for (const batch of ok(result).batches) {
          some = true
          assert.equal(batch.baseOffset, at[partition])
          assert.equal(String(batch.table.value(0)).replaceAll('.', ''), `${at[partition]!++}`)
        }
      }
      const there = parts.some(({ partition, offset }) => offset < ends[partition]!)
      assert.equal(some, there, `seed ${seed}, turn ${turn}: somebody gets something when there is some`)
      if (random.once(5)) await stand.settle(random.below(500))
    }
    stand.broker.kill()
  }
})
