import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches, parseName, parsePattern } from './names.ts'

const does = (pattern: string, name: string): boolean => matches(parsePattern(pattern).levels, parseName(name))

test('* is one level, # any number of them', () => {
  for (const [pattern, name, expected] of [
    ['orders.*.new', 'orders.eu.new', true],
    ['orders.*.new', 'orders.new', false],
    ['orders.#', 'orders', true],
    ['orders.#', 'orders.eu.new', true],
    ['#.new', 'orders.eu.new', true],
    ['#.eu.#', 'orders.us.new', false],
    ['*', 'a.b', false],
    ['#', 'a.b', true],
    ['a.b', 'a.b', true],
    ['a.b', 'a', false],
  ] as const) {
    assert.equal(does(pattern, name), expected, `${pattern} ${name}`)
  }
})

test('as a regular expression says it', () => {
  const level = fc.constantFrom('a', 'b', '*', '#')
  fc.assert(
    fc.property(
      fc.array(level, { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom('a', 'b'), { maxLength: 6 }),
      (p, n) => {
        const parts = p.map((one) => (one === '#' ? '(?:[ab],)*' : one === '*' ? '[ab],' : `${one},`))
        const expected = new RegExp(`^${parts.join('')}$`).test(n.map((one) => `${one},`).join(''))
        assert.equal(matches(parsePattern(p.join('.')).levels, n), expected)
      },
    ),
  )
})

test('many wildcards take no time', () => {
  const began = performance.now()
  assert.equal(does(`${'#.'.repeat(1000)}x`, 'a.b.c.d.e.f.g.h.i.j'), false)
  assert.ok(performance.now() - began < 1000)
})
