import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Pattern, PatternLevel } from '../facade/index.ts'
import { PatternTrie } from './pattern-trie.ts'
import { matchesPattern } from './testing/naive-match.ts'

const level = fc.constantFrom('a', 'b', '', '$s')
const patternLevel: fc.Arbitrary<PatternLevel> = fc.oneof(
  level,
  fc.constantFrom('one' as const, 'rest' as const, 'rest1' as const).map((any) => ({ any })),
)
const pattern = fc.record({ levels: fc.array(patternLevel, { maxLength: 5 }), dollarHidden: fc.boolean() })
const addressLevels = fc.array(level, { maxLength: 5 })

test('finds exactly the patterns that match, each once, also after removals', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(pattern, fc.boolean()), { maxLength: 30 }), addressLevels, (patterns, levels) => {
      const trie = new PatternTrie<number>()
      patterns.forEach(([p], i) => trie.add(p, i))
      patterns.forEach(([p, stays], i) => stays || assert.ok(trie.remove(p, i)))
      const found: number[] = []
      trie.find(levels, found)
      const expected = patterns.flatMap(([p, stays], i) => (stays && matchesPattern(p, levels) ? [i] : []))
      assert.deepEqual(
        found.sort((a, b) => a - b),
        expected,
      )
      assert.equal(trie.size, patterns.filter(([, stays]) => stays).length)
    }),
    { numRuns: 3000 },
  )
})

test('nothing is left of what was removed', () => {
  const trie = new PatternTrie<number>()
  const p: Pattern = { levels: ['a', { any: 'rest' }, { any: 'rest' }, { any: 'one' }, 'b'] }
  trie.add(p, 1)
  assert.equal(trie.remove(p, 2), false)
  assert.equal(trie.remove({ levels: ['a', 'c'] }, 1), false)
  assert.ok(trie.remove(p, 1))
  assert.equal(trie.size, 0)
  assert.equal(JSON.stringify(trie).includes('"literals":{'), false)
})

test('a hostile pattern costs its length, not the ways it may match', () => {
  const trie = new PatternTrie<number>()
  const many: PatternLevel[] = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? { any: 'rest' } : 'a'))
  trie.add({ levels: [...many, 'b'] }, 1)
  const found: number[] = []
  trie.find(
    Array.from({ length: 127 }, () => 'a'),
    found,
  )
  assert.deepEqual(found, [])
  trie.find([...Array.from({ length: 127 }, () => 'a'), 'b'], found)
  assert.deepEqual(found, [1])
})
