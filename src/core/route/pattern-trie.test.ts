import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Pattern, PatternLevel } from '../facade/index.ts'
import type { Levels } from '../names.ts'
import { PatternTrie } from './pattern-trie.ts'

/** The naive model: what each wildcard means, said once more. */
function matches(pattern: readonly PatternLevel[], levels: Levels): boolean {
  const [first, ...others] = pattern
  if (first === undefined) return levels.length === 0
  if (typeof first === 'string') return levels[0] === first && matches(others, levels.slice(1))
  if (first.any === 'one') return levels.length > 0 && matches(others, levels.slice(1))
  for (let taken = first.any === 'rest1' ? 1 : 0; taken <= levels.length; taken++) {
    if (matches(others, levels.slice(taken))) return true
  }
  return false
}
function matchesPattern(p: Pattern, levels: Levels): boolean {
  if (p.dollarHidden === true && typeof p.levels[0] === 'object' && levels[0]?.startsWith('$') === true) return false
  return matches(p.levels, levels)
}

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
