import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Unsettled, type SettledRange } from './unsettled.ts'

/** The same in the plainest way: one entry a message. */
class Naive {
  readonly waiting = new Map<number, { offset: number; attempt: number }>()

  settle(tag: number): { offset: number; attempt: number }[] | null {
    const found = this.waiting.get(tag)
    if (found === undefined) return null
    this.waiting.delete(tag)
    return [found]
  }

  settleUpTo(tag: number): { offset: number; attempt: number }[] | null {
    if (tag !== 0 && !this.waiting.has(tag)) return null
    const taken: { offset: number; attempt: number }[] = []
    for (const [each, found] of [...this.waiting]) {
      if (tag !== 0 && each > tag) continue
      taken.push(found)
      this.waiting.delete(each)
    }
    return taken
  }
}

const flat = (ranges: readonly SettledRange[]): { offset: number; attempt: number }[] =>
  ranges.flatMap(({ first, last, attempt }) =>
    Array.from({ length: last - first + 1 }, (_, i) => ({ offset: first + i, attempt })),
  )

test('settling one or many, in any order, takes what the plain model takes', () => {
  const command = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 6 }), gap: fc.nat(3) }),
    },
    fc.record({ do: fc.constant('one' as const), tag: fc.integer({ min: 0, max: 200 }) }),
    fc.record({ do: fc.constant('upTo' as const), tag: fc.integer({ min: 0, max: 60 }) }),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const real = new Unsettled()
      const naive = new Naive()
      let tag = 1
      let offset = 0
      for (const c of commands) {
        if (c.do === 'add') {
          offset += c.gap
          const run = { firstTag: tag, count: c.count, subscription: 1, partition: 0, firstOffset: offset, attempt: 1 }
          real.add({ ...run, consumer: null })
          for (let i = 0; i < c.count; i++) naive.waiting.set(tag++, { offset: offset++, attempt: 1 })
          continue
        }
        const ranges: SettledRange[] = []
        const take = (range: SettledRange): unknown => ranges.push(range)
        const done = c.do === 'one' ? real.settle(c.tag, take) : real.settleUpTo(c.tag, take)
        const expected = c.do === 'one' ? naive.settle(c.tag) : naive.settleUpTo(c.tag)
        assert.equal(done, expected !== null)
        assert.deepEqual(flat(ranges), expected ?? [])
        assert.equal(real.count, naive.waiting.size)
      }
    }),
    { numRuns: 500 },
  )
})

test('acknowledging a long backlog one by one stays cheap and lets go of what is done', () => {
  const unsettled = new Unsettled()
  for (let i = 0; i < 20_000; i++) {
    unsettled.add({
      firstTag: i * 10 + 1,
      count: 10,
      subscription: 1,
      partition: 0,
      firstOffset: i * 10,
      attempt: 1,
      consumer: null,
    })
  }
  for (let tag = 1; tag <= 200_000; tag++)
    assert.equal(
      unsettled.settle(tag, () => undefined),
      true,
    )
  assert.equal(unsettled.count, 0)
  assert.equal(
    unsettled.settle(1, () => undefined),
    false,
  )
})

test('one message that nobody acknowledges keeps nothing but itself', () => {
  const unsettled = new Unsettled()
  const runs = (): number => (unsettled as unknown as { runs: unknown[] }).runs.length
  const run = { count: 1, subscription: 1, partition: 0, attempt: 1, consumer: null }
  unsettled.add({ ...run, firstTag: 1, firstOffset: 0 })
  for (let tag = 2; tag <= 10_000; tag++) {
    unsettled.add({ ...run, firstTag: tag, firstOffset: tag - 1 })
    assert.ok(unsettled.settle(tag, () => undefined))
  }
  assert.ok(runs() < 50, `${runs()} runs`)
  const left: SettledRange[] = []
  unsettled.settleAll((range) => left.push(range))
  assert.deepEqual(flat(left), [{ offset: 0, attempt: 1 }])
})
