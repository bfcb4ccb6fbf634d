import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
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
  for (let from = host.starts.get(partition) ?? 0; from < next;) {
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

test('the file of a segment is not opened again after it was given back, however far reading ahead had come', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const host = new FakeHost(disk, undefined, time)
  const spans = await openSpans(host)
  host.lives.set(0, 'consumed')
  const payload = bytes(100_000, 1)
  const batches = Array.from({ length: 60 }, (_, baseOffset) => ({ partition: 0, baseOffset, count: 1, payload }))
  await spans.adopt(await host.segment(1, batches))
  disk.faults = { fail: () => null, delayMs: (_, path) => (path.startsWith('journal/') ? 200 : 0) }
  const seen: string[] = []
  disk.onOperation = (operation, path) => {
    if (path === host.slotPath(1)) seen.push(`${operation} ${host.released.length}`)
  }
  for (let from = 0; from < 20; from += 5) await host.during(spans.read(0, from, 60, 500_000))
  const read = seen.length
  for (let offset = 0; offset < 60; offset++) host.done.add(`0/${offset}`)
  await host.during(spans.clean())
  await time.advance(5000)
  assert.deepEqual(host.released, [1])
  assert.ok(seen.length > read, 'what was read ahead was under way')
  assert.deepEqual(
    seen.slice(read),
    seen.slice(read).map(() => 'read 0'),
  )
  await spans.close()
})

async function fourSegments(host: FakeHost): Promise<SpanSet> {
  const spans = await openSpans(host)
  host.lives.set(0, 'days').set(1, 'long')
  for (let seq = 1; seq <= 4; seq++) await spans.adopt(await host.segment(seq, samples(3, 300, (seq - 1) * 100)))
  await host.clock.advance(2 * 3_600_000)
  return spans
}

test('F3: nothing is given back before the edit is durable, and then everything', async () => {
  const host = new FakeHost()
  const spans = await fourSegments(host)
  let durable = (): void => undefined
  host.durable = new Promise<void>((resolve) => (durable = resolve))
  await host.during(spans.clean())
  assert.equal((await readAll(host, spans, 1)).size, 400, 'readers find the new spans at once')
  await host.clock.advance(10_000)
  assert.equal((await host.disk.list('index')).length, 4)
  assert.deepEqual(host.released, [])
  durable()
  await host.clock.advance(10)
  assert.deepEqual(await host.disk.list('index'), [])
  assert.deepEqual(host.released.sort(), [1, 2, 3, 4])
  await spans.close()
})

test('F3: a crash between the copy and the edit costs an orphan, which the next start removes', async () => {
  const host = new FakeHost()
  const spans = await fourSegments(host)
  host.durable = new Promise(() => undefined)
  await host.during(spans.clean())
  const edit = host.edits.pop()
  assert.ok(edit !== undefined && (await host.disk.list('spans')).length === 2)
  await (await host.disk.open('spans/9-9.77.days.tmp', 'create')).close()
  const again = await openSpans(host)
  assert.deepEqual(await host.disk.list('spans'), [])
  for (let partition = 0; partition < 3; partition++) assert.equal((await readAll(host, again, partition)).size, 400)
})

test('a span that is being read stays until the reader is done', async () => {
  const host = new FakeHost()
  const spans = await fourSegments(host)
  const reading = spans.read(1, 0, 1000, 1_000_000)
  await host.during(spans.clean())
  const found = await reading
  assert.equal(found.length, 400)
  for (const { baseOffset, batch } of found) assert.deepEqual(batch, bytes(300, 1000 + baseOffset))
  await host.clock.advance(10)
  assert.deepEqual(host.released.sort(), [1, 2, 3, 4])
  await spans.close()
})

test('a sidecar that is missing or damaged is made again from the segment', async () => {
  const host = new FakeHost()
  const spans = await openSpans(host)
  await spans.adopt(await host.segment(1, samples(3, 300, 0)))
  await spans.adopt(await host.segment(2, samples(3, 300, 100)))
  await spans.close()
  await host.disk.remove('index/1.idx')
  const file = await host.disk.open('index/2.idx', 'write')
  for (let at = 0; at < (await file.bytes()); at += 500) await file.write(Buffer.from([0xa5]), at)
  const again = await openSpans(host)
  for (let partition = 0; partition < 3; partition++) assert.equal((await readAll(host, again, partition)).size, 200)
  assert.deepEqual(await host.disk.list('index'), ['1.idx', '2.idx'])
  await again.close()
})

test('a payload that fails its checksum is an error with file and position, and the cleaner keeps the segment', async () => {
  const host = new FakeHost()
  const spans = await openSpans(host)
  await spans.adopt(await host.segment(1, samples(2, 200, 0)))
  const file = await host.disk.open(host.slotPath(1), 'write')
  await file.write(Buffer.from([0xff, 0xfe]), 4096 + 300 * 10 + 7)
  assert.equal((await spans.read(0, 0, 100, 100_000)).length, 5, 'what is before it is worth having')
  await assert.rejects(spans.read(0, 5, 100, 100_000), /slot-001 at 7096: the 300 bytes of offsets 5 to 5/)
  assert.equal((await spans.read(0, 6, 100, 100_000)).length, 94)
  host.lives.set(0, 'long')
  await host.clock.advance(2 * 3_600_000)
  await host.during(spans.clean())
  assert.deepEqual(host.released, [])
  assert.match(String(host.reported[0]), /slot-001 at 7096/)
  assert.deepEqual(await host.disk.list('spans'), [])
  assert.equal((await spans.read(1, 0, 100, 100_000)).length, 100)
  await spans.close()
})

test('a checkpoint has the list of spans once, however many partitions there are', async () => {
  const host = new FakeHost()
  const spans = await openSpans(host)
  await spans.adopt(await host.segment(1, samples(300, 300, 0)))
  const objects: number[] = []
  for (let part = spans.checkpoint(1, true); part !== null; part = spans.checkpoint(1, true)) objects.push(part.object)
  assert.equal(objects.length, 301)
  assert.equal(objects.filter((object) => object === 0).length, 1)
  await spans.close()
})

test('an index that cannot be removed is told, and costs no slot', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const host = new FakeHost(disk, undefined, time)
  const spans = await openSpans(host)
  host.lives.set(0, 'consumed')
  await spans.adopt(await host.segment(1, samples(1, 100, 0)))
  for (let offset = 0; offset < 100; offset++) host.done.add(`0/${offset}`)
  disk.faults = { fail: (operation) => (operation === 'remove' ? 'io' : null), delayMs: () => 0 }
  await host.during(spans.clean())
  await time.advance(10)
  assert.deepEqual(host.released, [1])
  assert.equal(host.reported.length, 1)
  await spans.close()
})

test('a file that a reader of an open segment has left open is not read in the place of the next of its name', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const host = new FakeHost(disk, undefined, time)
  const spans = await openSpans(host)
  const read = async (seq: number): Promise<Buffer[]> => {
    const segment = { ...host.sealed.get(seq)!, slot: 1 }
    const batches: Buffer[] = []
    await spans.readOpen([segment], [segment.index.extent(0, 0)], undefined, ({ batch }) => batches.push(batch))
    return batches
  }
  await host.segment(1, samples(1, 1, 0))
  assert.deepEqual(await read(1), [bytes(300, 0)])
  await disk.remove(host.slotPath(1))
  await host.segment(2, samples(1, 1, 1))
  await disk.rename(host.slotPath(2), host.slotPath(1))
  await spans.forgetSlot(1)
  assert.deepEqual(await read(2), [bytes(300, 1)])
  await spans.close()
})
