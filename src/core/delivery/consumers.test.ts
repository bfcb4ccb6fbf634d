import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConsumerSet, creditPool, grant, grantPool, newConsumer, room, spend } from './consumers.ts'
import type { Consumer, CreditPool } from './consumers.ts'

const consumer = (
  id: number,
  more: Partial<{ priority: number; exclusive: boolean; pool: CreditPool | null }> = {},
): Consumer => newConsumer({ id, session: 1, priority: 0, exclusive: false, pool: null, ...more })

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), priority: fc.nat(2), pool: fc.nat(2) }),
  fc.record({ do: fc.constant('remove' as const), which: fc.nat(9) }),
  fc.record({
    do: fc.constant('grant' as const),
    which: fc.nat(9),
    messages: fc.nat(4),
    bytes: fc.constantFrom(0, 5, Infinity),
  }),
  fc.record({ do: fc.constant('grantPool' as const), which: fc.nat(1), messages: fc.nat(4) }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('next' as const), messages: fc.integer({ min: 1, max: 3 }) }) },
)

test('always somebody who may, of the highest priority, and in turns', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('all' as const, 'one' as const),
      fc.array(step, { maxLength: 80, size: 'max' }),
      (mode, steps) => {
        const set = new ConsumerSet(mode)
        const pools = [creditPool(), creditPool()]
        const all: Consumer[] = []
        const servedAt = new Map<Consumer, number>()
        const mayServe = (c: Consumer): boolean => room(c) > 0 && (mode === 'all' || set.consumers()[0] === c)
        steps.forEach((s, now) => {
          if (s.do === 'add') {
            const c = consumer(now + 1, { priority: s.priority, pool: pools[s.pool - 1] ?? null })
            all.push(c)
            set.add(c)
          } else if (s.do === 'grantPool') {
            grantPool(pools[s.which]!, s.messages)
          } else if (s.do === 'next') {
            const able = all.filter(mayServe)
            const c = set.next()
            assert.equal(c !== null, able.length > 0)
            if (c === null) return
            assert.ok(able.includes(c))
            assert.ok(able.every((other) => other.priority <= c.priority))
            servedAt.set(c, now)
            spend(c, Math.min(room(c), s.messages), 2)
          } else if (all.length > 0) {
            const c = all[s.which % all.length]!
            if (s.do === 'grant') return grant(c, s.messages, s.bytes)
            set.remove(c)
            all.splice(all.indexOf(c), 1)
          }
        })
        assert.deepEqual(new Set(set.consumers()), new Set(all))
      },
    ),
    { numRuns: 2000 },
  )
})

test('turns are fair, and who has no credit costs nothing', () => {
  const set = new ConsumerSet('all')
  const able = Array.from({ length: 3 }, (_, i) => consumer(i + 1))
  for (let id = 100; id < 10_100; id++) set.add(consumer(id))
  for (const c of able) {
    set.add(c)
    grant(c, Infinity, Infinity)
  }
  const turns = Array.from({ length: 9 }, () => set.next()!.id)
  assert.deepEqual(turns, [1, 2, 3, 1, 2, 3, 1, 2, 3])
  assert.equal(set.rivals(), 3)
})

test('one active consumer: by priority, then age; the next takes over', () => {
  const set = new ConsumerSet('one')
  const [a, b, c] = [consumer(1), consumer(2), consumer(3, { priority: 5 })]
  assert.deepEqual(set.add(a), [{ consumer: a, active: true }])
  assert.deepEqual(set.add(b), [])
  grant(a, 10, Infinity)
  grant(b, 10, Infinity)
  assert.equal(set.next(), a)
  assert.deepEqual(set.add(c), [
    { consumer: a, active: false },
    { consumer: c, active: true },
  ])
  assert.equal(set.next(), null, 'the active one has no credit; nobody else may')
  assert.deepEqual(set.remove(c), [{ consumer: a, active: true }])
  assert.deepEqual(set.remove(a), [{ consumer: b, active: true }])
  assert.equal(set.next(), b)
  assert.equal(set.isActive(a), false)
})

test('an exclusive one is alone', () => {
  const set = new ConsumerSet('all')
  assert.equal(set.refuses(true), false)
  const a = consumer(1, { exclusive: true })
  set.add(a)
  assert.equal(set.refuses(false), true)
  set.remove(a)
  set.add(consumer(2))
  assert.equal(set.refuses(true), true)
  assert.equal(set.refuses(false), false)
})

test('consumers of a pool use up its credit together, and wake together', () => {
  const set = new ConsumerSet('all')
  const pool = creditPool()
  const members = [consumer(1, { pool }), consumer(2, { pool })]
  for (const c of members) {
    set.add(c)
    grant(c, Infinity, Infinity)
  }
  assert.equal(set.next(), null)
  grantPool(pool, 3)
  let given = 0
  for (let c = set.next(); c !== null; c = set.next()) {
    spend(c, 1, 1)
    given++
  }
  assert.equal(given, 3)
  set.remove(members[0]!)
  grantPool(pool, 1)
  assert.equal(set.next(), members[1])
})
