import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { LeaseQueue } from '../lease-queue.ts'
import type { NaiveQueue } from './naive-queue.ts'

/** For tests: what can happen to a queue, positions given relative to its floor. */
export type Command =
  | { do: 'extend'; by: number }
  | { do: 'lease'; skip: number; max: number; consumer: number; leaseMs: number }
  | { do: 'leaseKeyed'; skip: number; key: string; consumer: number; leaseMs: number }
  | {
      do: 'done' | 'release' | 'extendLease'
      at: number
      count: number
      attempt: number | 'any'
      seen: boolean
      ms: number
    }
  | { do: 'discard' | 'delay' | 'park'; skip: number; count: number; ms: number }
  | { do: 'releaseConsumer'; consumer: number; seen: boolean }
  | { do: 'wake'; ms: number }
  | { do: 'trim' | 'seek'; at: number }
  | { do: 'purge' }
  | { do: 'backOff'; ms: number[] }

const small = fc.nat(6)
const consumer = fc.integer({ min: 1, max: 3 })
const ms = fc.constantFrom(0, 1, 5, 50)
const leaseMs = fc.constantFrom(1, 5, 50, Infinity)
const attempt = fc.constantFrom<number | 'any'>(1, 1, 1, 2, 3, 'any')
const key = fc.constantFrom('a', 'b')

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('extend' as const), by: fc.nat(8) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('lease' as const),
      skip: small,
      max: fc.integer({ min: 1, max: 6 }),
      consumer,
      leaseMs,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leaseKeyed' as const), skip: small, key, consumer, leaseMs }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('done' as const, 'done' as const, 'release' as const, 'extendLease' as const),
      at: small,
      count: small,
      attempt,
      seen: fc.boolean(),
      ms,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('discard' as const, 'delay' as const, 'park' as const),
      skip: small,
      count: fc.integer({ min: 1, max: 4 }),
      ms,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('releaseConsumer' as const), consumer, seen: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wake' as const), ms }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('trim' as const, 'seek' as const), at: small }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Command>({ do: 'purge' }, { do: 'backOff', ms: [] }, { do: 'backOff', ms: [3, 9] }),
  },
)

/** Runs each command on the queue and on its naive model. */
export class QueuePair {
  readonly queue: LeaseQueue
  readonly model: NaiveQueue
  now = 1000
  readonly start: number

  constructor(queue: LeaseQueue, model: NaiveQueue) {
    this.queue = queue
    this.model = model
    this.start = queue.floor
  }

  run(c: Command): void {
    const { queue, model, now } = this
    switch (c.do) {
      case 'extend':
        queue.extend(queue.end + c.by, 0)
        return model.extend(model.end + c.by)
      case 'lease': {
        const first = this.pick(c.skip)
        if (first < 0) return
        const count = Math.min(queue.run(first, c.max), model.run(first, c.max))
        assert.ok(count > 0)
        queue.lease(first, count, c.consumer, c.leaseMs, now, 0)
        return model.lease(first, count, c.consumer, c.leaseMs, now)
      }
      case 'leaseKeyed': {
        const at = this.pick(c.skip)
        if (at < 0) return
        const leased = queue.leaseKeyed(at, c.key, c.consumer, c.leaseMs, now, 0)
        return assert.equal(leased, model.leaseKeyed(at, c.key, c.consumer, c.leaseMs, now))
      }
      case 'done':
      case 'release':
      case 'extendLease':
        return this.settle(c)
      case 'discard':
      case 'delay':
      case 'park': {
        const first = this.pick(c.skip)
        if (first < 0) return
        const last = Math.min(first + c.count, queue.end) - 1
        if (c.do === 'discard') return assert.equal(queue.discard(first, last), model.discard(first, last))
        if (c.do === 'park') return assert.equal(queue.park(first, last), model.park(first, last))
        queue.delay(first, last, now + c.ms)
        return model.delay(first, last, now + c.ms)
      }
      case 'releaseConsumer':
        return assert.equal(
          queue.releaseConsumer(c.consumer, c.seen, now),
          model.releaseConsumer(c.consumer, c.seen, now),
        )
      case 'wake':
        this.now += c.ms
        return assert.equal(queue.wake(this.now), model.wake(this.now))
      case 'trim': {
        const start = queue.floor + c.at - 2
        return assert.equal(queue.trim(start), model.trim(start))
      }
      case 'seek': {
        const to = Math.max(this.start, Math.min(queue.floor - 3 + c.at, queue.end))
        queue.seek(to)
        return model.seek(to)
      }
      case 'purge':
        return assert.equal(queue.purge(), model.purge())
      case 'backOff':
        queue.backOffMs = model.backOffMs = c.ms
    }
  }

  private settle(c: Extract<Command, { attempt: number | 'any' }>): void {
    const { queue, model, now } = this
    const first = queue.floor + c.at - 1
    const last = first + c.count
    assert.deepEqual(queue.leasedRuns(first, last, c.attempt), model.leasedRuns(first, last, c.attempt))
    if (c.do === 'done') return assert.equal(queue.done(first, last, c.attempt), model.done(first, last, c.attempt))
    if (c.do === 'extendLease') {
      const extended = queue.extendLease(first, last, c.attempt, c.ms, now)
      return assert.equal(extended, model.extendLease(first, last, c.attempt, c.ms, now))
    }
    const delay = c.ms === 5 ? undefined : c.ms
    const released = queue.release(first, last, c.attempt, c.seen, now, delay)
    assert.equal(released, model.release(first, last, c.attempt, c.seen, now, delay))
  }

  /** A ready offset, not always the first. */
  private pick(skip: number): number {
    let at = this.queue.next()
    for (let n = 0; n < skip && at >= 0; n++) {
      const next = this.queue.next(at + 1)
      if (next < 0) break
      at = next
    }
    return at
  }

  compare(): void {
    const { queue, model } = this
    assert.equal(queue.floor, model.floor, 'floor')
    assert.equal(queue.frontier, model.frontier, 'frontier')
    for (let offset = this.start - 1; offset < queue.end + 2; offset++) {
      assert.equal(queue.state(offset), model.state(offset), `state of ${offset}`)
      assert.equal(queue.next(offset), model.next(offset), `next from ${offset}`)
      if (queue.state(offset) !== 'settled')
        assert.equal(queue.attempt(offset), model.attempt(offset), `attempt of ${offset}`)
      assert.equal(queue.needed(offset, offset + 2), model.needed(offset, offset + 2), `needed from ${offset}`)
    }
    for (const count of ['ready', 'leased', 'delayed', 'parked'] as const)
      assert.equal(queue[count], model[count], count)
    for (let c = 1; c <= 3; c++) assert.equal(queue.leasedBy(c), model.leasedBy(c))
    assert.ok(queue.nextDue() <= model.nextDue())
  }
}
