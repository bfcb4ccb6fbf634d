import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeHost, type Sample } from '../testing/fake-host.ts'
import { SpanSet } from './span-set.ts'

const bytes = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 0xff))

/** `count` batches of one record, dealt round to the partitions. */
function samples(partitions: number, count: number, first: number, size = 300): Sample[] {
  const made: Sample[] = []
  for (let i = 0; i < count; i++) {
    const partition = i % partitions
    const baseOffset = first + Math.floor(i / partitions)
    made.push({ partition, baseOffset, count: 1, payload: bytes(size, partition * 1000 + baseOffset) })
  }
  return made
}

async function openSpans(host: FakeHost): Promise<SpanSet> {
  const spans = new SpanSet(host)
  for (const [i, edit] of host.edits.entries()) spans.replay(edit, i + 1)
  await spans.recovered()
  return spans
}

async function readAll(host: FakeHost, spans: SpanSet, partition: number): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>()
  const next = host.ends.get(partition)!
  for (let from = host.starts.get(partition) ?? 0; from < next; ) {
    const extents = await spans.read(partition, from, next, 4000)
    if (extents.length === 0) break
    for (const extent of extents) {
      assert.equal(extent.meta.toString(), `m${extent.baseOffset}`)
      found.set(extent.baseOffset, extent.batch)
    }
    const last = extents[extents.length - 1]!
    from = last.baseOffset + last.count
  }
  return found
}

test('an adopted segment is read without a copy, partition by partition', async () => {
  const host = new FakeHost()
  const spans = await openSpans(host)
  await spans.adopt(await host.segment(1, samples(3, 300, 0)))
  await spans.adopt(await host.segment(2, samples(3, 300, 100)))
  for (let partition = 0; partition < 3; partition++) {
    const found = await readAll(host, spans, partition)
    assert.equal(found.size, 200)
    for (const [offset, payload] of found) assert.deepEqual(payload, bytes(300, partition * 1000 + offset))
  }
  assert.equal(spans.nextOffset(1), 200)
  assert.equal(spans.bytesFrom(1, 0), 200 * 300)
  assert.equal(spans.bytesFrom(1, 150), 50 * 300)
  assert.equal((await spans.extents(2, 37, 1000, 5)).map((extent) => extent.baseOffset).join(), '37,38,39,40,41')
  await spans.close()
})

test('the second clock settles by class, verifies, and gives the slots back', async () => {
  const host = new FakeHost()
  const spans = await openSpans(host)
  host.lives.set(0, 'days').set(1, 'long')
  for (let seq = 1; seq <= 4; seq++) await spans.adopt(await host.segment(seq, samples(3, 300, (seq - 1) * 100)))
  await host.clock.advance(2 * 3_600_000)
  await host.during(spans.clean())
  assert.deepEqual(host.reported, [])
  assert.deepEqual(host.released.sort(), [1, 2, 3, 4])
  assert.equal((await host.disk.list('spans')).length, 2)
  assert.deepEqual(await host.disk.list('index'), [])
  for (let partition = 0; partition < 3; partition++) {
    const found = await readAll(host, spans, partition)
    assert.equal(found.size, 400)
    for (const [offset, payload] of found) assert.deepEqual(payload, bytes(300, partition * 1000 + offset))
  }
  await spans.close()
})

test('a dead segment goes back whole, a sparse one is merged after a minute', async () => {
  const host = new FakeHost()
  const spans = await openSpans(host)
  host.lives.set(0, 'consumed')
  for (let seq = 1; seq <= 5; seq++) await spans.adopt(await host.segment(seq, samples(1, 100, (seq - 1) * 100)))
  for (let offset = 0; offset < 500; offset++) {
    if (offset < 100 || offset % 50 !== 0) host.done.add(`0/${offset}`)
  }
  for (let look = 0; look < 3; look++) await host.during(spans.clean())
  assert.deepEqual(host.released, [1])
  await host.clock.advance(61_000)
  for (let look = 0; look < 3; look++) await host.during(spans.clean())
  assert.deepEqual(host.reported, [])
  assert.deepEqual(host.released.sort(), [1, 2, 3, 4, 5])
  const found = await readAll(host, spans, 0)
  assert.deepEqual([...found.keys()], [100, 150, 200, 250, 300, 350, 400, 450])
  assert.ok(spans.metrics().diskBytes < 20_000)
  await spans.close()
})
