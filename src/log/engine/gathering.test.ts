import assert from 'node:assert/strict'
import test from 'node:test'
import { Gathering } from './gathering.ts'

/** Requests arrive at these times, ms; commits take `commitMs`. Says how many each commit had. */
class Load {
  readonly groups: number[] = []
  readonly waited: number[] = []
  private readonly gathering = new Gathering()
  private readonly commitMs: number
  private arrivals: number[]
  private next = 0
  private staged = 0
  private now = 0

  constructor(arrivals: number[], commitMs: number) {
    this.arrivals = arrivals
    this.commitMs = commitMs
  }

  private arrive(until: number): void {
    while (this.arrivals[this.next]! <= until) {
      this.next++
      this.staged++
    }
  }

  /** `answer`: when those come again who are answered at a time. */
  run(commits: number, answer: (count: number, at: number) => number[] = () => []): void {
    while (this.groups.length < commits && (this.staged > 0 || this.next < this.arrivals.length)) {
      if (this.staged === 0) this.now = Math.max(this.now, this.arrivals[this.next]!)
      this.arrive(this.now)
      const began = this.now
      while (this.gathering.waits(this.staged, this.staged * 1000, this.now)) {
        const limit = began + this.gathering.limitMs + 0.001
        this.now = Math.min(limit, this.arrivals[this.next] ?? limit)
        this.arrive(this.now)
      }
      this.waited.push(this.now - began)
      const count = this.staged
      this.groups.push(count)
      this.staged = 0
      this.now += this.commitMs
      this.arrive(this.now)
      this.gathering.answered(count, this.staged, this.now, this.commitMs)
      const again = answer(count, this.now)
      if (again.length > 0) this.arrivals = [...this.arrivals.slice(this.next), ...again].sort((a, b) => a - b)
      if (again.length > 0) this.next = 0
    }
  }
}

const last = <T>(list: readonly T[], count: number): T[] => list.slice(-count)

test('five requests in flight, sent again when they are answered, go in one commit', () => {
  const load = new Load([0, 0.1, 0.1, 0.1, 0.1], 4)
  load.run(100, (count, at) => Array.from({ length: count }, (_, i) => at + 0.1 + i * 0.02))
  assert.deepEqual(new Set(last(load.groups, 50)), new Set([5]))
  assert.ok(Math.max(...last(load.waited, 50)) < 0.2)
})

test('one request in flight never waits', () => {
  const load = new Load([0], 4)
  load.run(100, (_, at) => [at + 0.2])
  assert.deepEqual(new Set(load.waited), new Set([0]))
})

test('what comes at a rate is not held back, but for a try now and then', () => {
  for (const [everyMs, commitMs] of [
    [0.1, 1],
    [0.1, 4],
    [1, 4],
    [0.5, 0.3],
  ] as const) {
    const load = new Load(
      Array.from({ length: 40_000 }, (_, i) => i * everyMs),
      commitMs,
    )
    load.run(2000)
    const late = last(load.waited, 1000)
    assert.ok(late.filter((ms) => ms > 0).length <= 10, `every ${everyMs} ms, commits of ${commitMs} ms`)
  }
})

test('clients that go are waited for no longer than a few times', () => {
  const load = new Load([0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 4)
  load.run(50, (count, at) => Array.from({ length: count }, () => at + 0.1))
  const alone = load.waited.length
  load.run(150, (_, at) => (load.groups.length < 51 ? [] : [at + 0.1]))
  assert.ok(load.waited.slice(alone).filter((ms) => ms > 0).length < 10)
})
