import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { levelsKey } from '../names.ts'
import { Buckets } from './buckets.ts'
import type { LastValue } from './last-value.ts'
import { LastValues } from './retained.ts'

const everything = { levels: [{ any: 'rest' as const }] }
const offsets = (values: LastValues): Map<string, number> =>
  new Map([...values.match(everything)].flatMap((one) => (one === null ? [] : [[levelsKey(one.levels), one.offset]])))

/** A checkpoint as the store keeps it: what the rounds wrote, and what has happened since the last one began. */
class Keeper {
  readonly values: LastValues
  written = 0
  private parts = new Map<number, readonly LastValue[]>()
  private since: ((values: LastValues) => void)[] = []
  private round: {
    begun: number
    parts: Map<number, readonly LastValue[]>
    left: ReturnType<Buckets['round']>
  } | null = null

  constructor(values: LastValues) {
    this.values = values
  }

  change(apply: (values: LastValues) => void): void {
    apply(this.values)
    this.since.push(apply)
  }

  begin(full: boolean): void {
    const parts = new Map(full ? [] : this.parts)
    this.round ??= { begun: this.since.length, parts, left: this.values.buckets.round(full) }
  }

  /** One more part, between two changes. */
  write(): void {
    if (this.round === null) return
    const { begun, parts, left } = this.round
    const step = left.next()
    if (step.done !== true) {
      parts.set(step.value.number, [...step.value.values])
      this.written++
      return
    }
    this.parts = parts
    this.since.splice(0, begun)
    this.round = null
  }

  finish(): void {
    while (this.round !== null) this.write()
  }

  recover(): LastValues {
    const back = new LastValues()
    for (const part of this.parts.values()) for (const value of part) back.set(value)
    for (const apply of this.since) apply(back)
    return back
  }
}

test('what rounds have written and what happened since is all there is, however parts are split meanwhile', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), at: fc.nat(60) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), at: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('round' as const), at: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), at: fc.constant(0) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const keeper = new Keeper(new LastValues(new Buckets(60)))
      keeper.begin(true)
      keeper.finish()
      steps.forEach((s, offset) => {
        const levels = ['t', String(s.at)]
        if (s.do === 'round') keeper.begin(s.at === 0)
        else if (s.do === 'write') keeper.write()
        else if (s.do === 'set')
          keeper.change((values) => values.set({ levels, partition: 1, offset, expiresAt: null }))
        else
          keeper.change((values) => {
            if ((values.get(levels)?.offset ?? offset) < offset) values.delete(levels)
          })
        if (s.do === 'write') assert.deepEqual(offsets(keeper.recover()), offsets(keeper.values))
      })
      keeper.finish()
      assert.deepEqual(offsets(keeper.recover()), offsets(keeper.values))
    }),
    { numRuns: 500 },
  )
})

test('parts are of one size, and a change is written with its part alone', () => {
  const keeper = new Keeper(new LastValues())
  const set = (i: number, offset: number): void =>
    keeper.change((values) =>
      values.set({ levels: ['home', String(i), 'state'], partition: 1, offset, expiresAt: null }),
    )
  for (let i = 0; i < 50_000; i++) set(i, i)
  keeper.begin(true)
  keeper.finish()
  assert.ok(keeper.written > 25 && keeper.written < 60, `${keeper.written} parts`)
  keeper.written = 0
  set(7, 50_000)
  keeper.begin(false)
  keeper.finish()
  assert.equal(keeper.written, 1)
  keeper.begin(false)
  keeper.finish()
  assert.equal(keeper.written, 1)
  assert.equal(keeper.recover().get(['home', '7', 'state'])?.offset, 50_000)
})
