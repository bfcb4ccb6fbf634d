import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HeldTable } from './held-table.ts'
import { LeaseQueue } from './lease-queue.ts'
import { NaiveQueue } from './testing/naive-queue.ts'
import { command, QueuePair } from './testing/queue-commands.ts'

const seed = process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }

test('does what the naive model does', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 32_760, 2 ** 32 - 8),
      fc.array(command, { maxLength: 60, size: 'max' }),
      (start, commands) => {
        const pair = new QueuePair(new LeaseQueue(start, start, 3), new NaiveQueue(start, start, 3))
        for (const c of commands) {
          pair.run(c)
          pair.compare()
        }
      },
    ),
    { numRuns: 2000, ...seed },
  )
})

test('a page of two million offsets beyond the frontier takes no memory, nor do settled ones', () => {
  const queue = new LeaseQueue(0)
  queue.extend(2_000_000, 2_000_000)
  assert.equal(queue.ready, 2_000_000)
  queue.lease(0, 1, 1, Infinity, 0, 1)
  assert.equal(queue.purge(), 1_999_999)
  assert.equal(queue.ready, 0)
  assert.equal(queue.floor, 0)
  assert.equal(queue.frontier, 2_000_000)
  assert.equal(queue.needed(1, 1_999_999), false)
  assert.equal(queue.needed(0, 1_999_999), true)
  queue.extend(3_000_000, 1_000_000)
  assert.equal(queue.next(), 2_000_000)
  assert.equal(queue.done(0, 0, 1), 1)
  assert.equal(queue.floor, 2_000_000)
})

test('a settle over an endless range costs what is there', () => {
  const queue = new LeaseQueue(0)
  queue.extend(1000, 0)
  queue.lease(10, 2, 1, Infinity, 0, 0)
  assert.equal(queue.done(0, Number.MAX_SAFE_INTEGER, 1), 2)
  assert.equal(queue.release(0, Number.MAX_SAFE_INTEGER, 'any', true, 0), 0)
  assert.equal(queue.done(0, Number.MAX_SAFE_INTEGER, 'any'), 10)
})

test('bytes are ready, leased, back, gone', () => {
  const queue = new LeaseQueue(0)
  queue.extend(10, 1000)
  queue.lease(0, 3, 1, Infinity, 0, 301)
  assert.equal(queue.readyBytes, 699)
  queue.release(0, 2, 1, true, 0)
  assert.equal(queue.readyBytes, 1000)
  queue.discard(0, 1, 200)
  assert.equal(queue.readyBytes, 800)
  queue.delay(2, 2, 50, () => 100)
  assert.equal(queue.readyBytes, 700)
  queue.wake(50)
  assert.equal(queue.readyBytes, 800)
  queue.trim(6)
  assert.equal(queue.readyBytes, 400)
  queue.purge()
  assert.equal(queue.readyBytes, 0)
})

test('leases of many lengths end at their time, extended ones later', () => {
  const queue = new LeaseQueue(0)
  queue.extend(1000, 0)
  for (let i = 0; i < 1000; i++) queue.lease(i, 1, 1, 1000 + i * 10, 0, 0)
  queue.extendLease(0, 0, 1, 20_000, 0)
  assert.equal(queue.nextDue() <= 1010, true)
  assert.equal(queue.wake(1010), 1)
  assert.equal(queue.wake(10_990), 998)
  assert.equal(queue.leased, 1)
  assert.equal(queue.wake(20_000), 1)
  assert.equal(queue.nextDue(), Infinity)
})

test('deadlines of what was settled long before do not pile up', () => {
  const queue = new LeaseQueue(0)
  for (let i = 0; i < 200_000; i += 10) {
    queue.extend(i + 10, 0)
    queue.lease(i, 10, 1, 1_800_000, i, 0)
    queue.done(i, i + 9, 1)
  }
  type Inside = { holdings: { deadlines: { inLines: number; heap: { size: number } } } }
  const lines = (queue as unknown as Inside).holdings.deadlines
  assert.ok(lines.inLines + lines.heap.size < 10_000)
})

test('a consumer that goes costs what it holds, not what all hold', () => {
  const queue = new LeaseQueue(0)
  queue.extend(100_000, 0)
  for (let i = 0; i < 100_000; i++) queue.lease(i, 1, 1 + (i % 1000), Infinity, 0, 0)
  let looked = 0
  const { table } = (queue as unknown as { holdings: { table: HeldTable } }).holdings
  const find = table.find.bind(table)
  const forEach = table.forEach.bind(table)
  table.find = (offset) => {
    looked++
    return find(offset)
  }
  table.forEach = (visit) => {
    looked += table.size
    forEach(visit)
  }
  for (let consumer = 1; consumer <= 1000; consumer++) assert.equal(queue.releaseConsumer(consumer, true, 0), 100)
  assert.equal(queue.ready, 100_000)
  assert.ok(looked <= 300_000, `${looked} looks`)
})

test('what consumers hold is known, however much they have had', () => {
  const queue = new LeaseQueue(0)
  queue.extend(100_000, 0)
  const listed = (consumer: number): number => {
    type Inside = { holdings: { holders: { byConsumer: Map<number, { listed: number }> } } }
    return (queue as unknown as Inside).holdings.holders.byConsumer.get(consumer)!.listed
  }
  queue.lease(0, 1, 1, Infinity, 0, 0)
  queue.lease(1, 1, 2, Infinity, 0, 0)
  // Given back and given again, to the same one or the other; and then settled.
  for (let i = 2; i < 10_000; i++) {
    for (const consumer of [1, 1, 1 + (i % 2)]) {
      queue.release(i, i, 'any', true, 0)
      queue.lease(i, 1, consumer, Infinity, 0, 0)
    }
    if (i % 100 > 0) queue.done(i, i, 'any')
  }
  assert.deepEqual([queue.leasedBy(1), queue.leasedBy(2)], [100, 1])
  assert.ok(listed(1) < 500 && listed(2) < 500, `${listed(1)} and ${listed(2)} listed`)
  assert.equal(queue.releaseConsumer(1, true, 0), 100)
  assert.deepEqual(
    [queue.leasedBy(1), queue.state(0), queue.state(1), queue.state(100)],
    [0, 'ready', 'leased', 'ready'],
  )
  assert.equal(queue.releaseConsumer(2, true, 0), 1)
  assert.equal(queue.leased, 0)
})

test('T11: one locked key with a long backlog: others go on, the look-ahead is bounded', () => {
  const queue = new LeaseQueue(0)
  queue.extend(1_000_000, 0)
  assert.ok(queue.leaseKeyed(0, 'stuck', 1, Infinity, 0, 0))
  let blocked = 0
  let others = 0
  for (let at = queue.next(); at >= 0; at = queue.next(at + 1)) {
    const key = at % 100 === 99 ? `other ${at}` : 'stuck'
    if (queue.leaseKeyed(at, key, 2, Infinity, 0, 0)) others += queue.done(at, at, 1)
    else blocked++
  }
  assert.equal(blocked, 20_000)
  assert.equal(others, 202)
  assert.ok(queue.frontier < 21_000)
  assert.equal(queue.next(), -1)
  queue.done(0, 0, 1)
  assert.equal(queue.next(), 1)
  assert.equal(queue.ready, 1_000_000 - 1 - 202)
})
