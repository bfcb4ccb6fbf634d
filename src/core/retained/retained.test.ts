import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PatternLevel } from '../facade/index.ts'
import { levelsKey } from '../names.ts'
import { PatternTrie } from '../route/pattern-trie.ts'
import { LastValues } from './retained.ts'
import type { LastValue } from './last-value.ts'

const level = fc.constantFrom('a', 'b', '', '$s')
const levels = fc.array(level, { maxLength: 4 })
const patternLevel: fc.Arbitrary<PatternLevel> = fc.oneof(
  level,
  fc.constantFrom('one' as const, 'rest' as const, 'rest1' as const).map((any) => ({ any })),
)
const pattern = fc.record({ levels: fc.array(patternLevel, { maxLength: 5 }), dollarHidden: fc.boolean() })

test('last values are those of a map, and a pattern finds what routing by it would', () => {
  const change = fc.tuple(levels, fc.boolean(), fc.nat(3))
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), pattern, (changes, p) => {
      const values = new LastValues()
      const model = new Map<string, LastValue>()
      changes.forEach(([at, stays, partition], offset) => {
        const value = { levels: at, partition, offset: offset * 1000, expiresAt: null }
        if (stays) values.set(value)
        else assert.equal(values.delete(at), model.has(levelsKey(at)))
        if (stays) model.set(levelsKey(at), value)
        else model.delete(levelsKey(at))
      })
      const trie = new PatternTrie<number>()
      trie.add(p, 1)
      const expected = [...model.values()].filter((value) => {
        const found: number[] = []
        trie.find(value.levels, found)
        return found.length > 0
      })
      const byOffset = (a: LastValue, b: LastValue): number => a.offset - b.offset
      const found = [...values.match(p)].filter((value) => value !== null)
      assert.deepEqual(found.sort(byOffset), expected.sort(byOffset))
      assert.equal(values.size, model.size)
      for (const value of model.values()) {
        assert.equal(values.get(value.levels), value)
        assert.ok(values.needed(value.partition, value.offset, value.offset))
        assert.ok(values.lowest(value.partition) <= value.offset)
      }
      if (model.size === 0) for (let p = 0; p < 4; p++) assert.equal(values.needed(p, 0, 1e9), false)
    }),
    { numRuns: 2000 },
  )
})

test('replay does not bring an older value back', () => {
  const values = new LastValues()
  values.set({ levels: ['a'], partition: 1, offset: 9, expiresAt: null })
  values.set({ levels: ['a'], partition: 1, offset: 4, expiresAt: null })
  assert.equal(values.get(['a'])?.offset, 9)
})

test('what has expired goes, unless a later value has taken its place', () => {
  const values = new LastValues()
  const set = (name: string, offset: number, expiresAt: number | null): void =>
    values.set({ levels: [name], partition: 1, offset, expiresAt })
  set('a', 1, 100)
  set('b', 2, 200)
  set('c', 3, 100)
  set('c', 4, null)
  assert.equal(values.expire(99), false)
  assert.equal(values.expire(100), true)
  assert.equal(values.size, 2)
  assert.equal(values.get(['b'])?.offset, 2)
  assert.equal(values.expire(150), false)
  assert.equal(values.expire(200), true)
  assert.equal(values.expire(1e9), false)
  assert.equal(values.get(['c'])?.offset, 4)
})

test('a walk pauses about every thousand nodes, whether it finds something or not, and goes only where something may be', () => {
  const values = new LastValues()
  const count = 5000
  for (let i = 0; i < count; i++) values.set({ levels: ['a', String(i)], partition: 1, offset: i, expiresAt: null })
  const walk = (...levels: PatternLevel[]): [found: number, pauses: number] => {
    const all = [...values.match({ levels })]
    const found = all.filter((value) => value !== null).length
    return [found, all.length - found]
  }
  assert.deepEqual(walk('a', { any: 'one' }), [count, 5])
  assert.deepEqual(walk('a', { any: 'one' }, 'none'), [0, 5])
  assert.deepEqual(walk({ any: 'rest' }, 'none'), [0, 5])
  assert.deepEqual(walk('a', '7'), [1, 0])
})
