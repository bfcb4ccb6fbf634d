import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, RecordTable } from '../../log/index.ts'
import type { PatternLevel, RouteSpec, RouteTarget } from '../facade/index.ts'
import { encodeProperties } from '../message.ts'
import type { Publication } from './index.ts'
import { Router } from './index.ts'

const alternates = new Map<number, number>()
const newRouter = (): Router => new Router({ below: () => 0, alternateOf: (space) => alternates.get(space) ?? 0 })
const spec = (
  space: number,
  levels: PatternLevel[],
  target: RouteTarget,
  more: Partial<RouteSpec> = {},
): RouteSpec => ({
  kind: 'route',
  space,
  pattern: { levels },
  target,
  ...more,
})
const rest: PatternLevel = { any: 'rest' }
const publication = (more: Partial<Publication> = {}): Publication => ({
  publisher: 99,
  atMostOnce: false,
  count: 1,
  foreign: true,
  table: () => assert.fail('nobody needs the records'),
  ...more,
})
/** The records of a batch whose header `n` is the given values. */
function batchOf(values: readonly (number | null)[]): Partial<Publication> {
  const builder = new BatchBuilder()
  for (const value of values) {
    const headers = value === null ? [] : [{ name: 'n', value: { type: 'i32' as const, value } }]
    builder.add(0, null, null, encodeProperties({ headers }))
  }
  const table = new RecordTable(builder.finish())
  return { count: values.length, table: () => table }
}
const plain = (log: number, routes: number[]): object => ({ log, session: 0, parts: [{ runs: null, routes }] })

test('a target gets one copy that lists every route that matched (I2)', () => {
  const router = newRouter()
  router.bind(7, { space: 1, levels: ['a', 'b'] })
  router.add(10, spec(1, ['a', rest], { log: 7 }))
  router.add(11, spec(1, [rest], { log: 7 }))
  router.add(12, spec(1, [rest], { session: 5 }, { owner: 5 }))
  const match = router.match([{ space: 1, levels: ['a', 'b'] }], publication())
  assert.deepEqual(match.targets, [plain(7, [10, 11]), { log: 0, session: 5, parts: [{ runs: null, routes: [12] }] }])
  assert.equal(match.unrouted, null)
  assert.equal(router.match([{ space: 1, levels: ['a', 'b'] }], publication()), match, 'the second time it is known')
  router.remove(10)
  router.unbind(7)
  assert.deepEqual(router.match([{ space: 1, levels: ['a', 'b'] }], publication()).targets[0], plain(7, [11]))
  assert.equal(router.match([{ space: 2, levels: ['a', 'b'] }], publication()).unrouted, 'all')
  assert.deepEqual(router.of(5), [12])
  assert.deepEqual(router.of(10), [])
})

test('several addresses lead to one copy', () => {
  const router = newRouter()
  router.add(10, spec(1, ['a'], { log: 7 }))
  router.add(11, spec(1, ['b'], { log: 7 }))
  const match = router.match(
    [
      { space: 1, levels: ['a'] },
      { space: 1, levels: ['b'] },
    ],
    publication(),
  )
  assert.deepEqual(match.targets, [plain(7, [10, 11])])
})

test('an append to a bound log is published, but the log has its copy', () => {
  const router = newRouter()
  router.bind(7, { space: 1, levels: ['a'] })
  const alone = router.match([{ space: 1, levels: ['a'] }], publication(), 7)
  assert.deepEqual(alone, { targets: [], unrouted: null })
  router.add(10, spec(1, ['a'], { log: 8 }))
  assert.deepEqual(router.match([{ space: 1, levels: ['a'] }], publication(), 7).targets, [plain(8, [10])])
  assert.deepEqual(router.match([{ space: 1, levels: ['a'] }], publication()).targets, [plain(7, []), plain(8, [10])])
})

test('T4: a cycle of three spaces ends, with one copy', () => {
  const router = newRouter()
  router.add(10, spec(1, [rest], { space: 2 }))
  router.add(11, spec(2, [rest], { space: 3 }))
  router.add(12, spec(3, [rest], { space: 1 }))
  router.add(13, spec(3, ['k'], { log: 7 }))
  router.add(14, spec(1, ['k'], { log: 7 }))
  assert.deepEqual(router.match([{ space: 2, levels: ['k'] }], publication()).targets, [plain(7, [13, 14])])
  assert.equal(router.match([{ space: 1, levels: ['x'] }], publication()).unrouted, 'all')
})

test('an alternate is tried only when the whole closure led nowhere', (t) => {
  t.after(() => alternates.clear())
  alternates.set(1, 9)
  const router = newRouter()
  router.add(10, spec(1, [rest], { space: 2 }))
  router.add(11, spec(2, ['k'], { log: 7 }))
  router.add(12, spec(9, [rest], { log: 8 }))
  assert.deepEqual(router.match([{ space: 1, levels: ['k'] }], publication()).targets, [plain(7, [11])])
  assert.deepEqual(router.match([{ space: 1, levels: ['x'] }], publication()).targets, [plain(8, [12])])
  alternates.clear()
  router.changed()
  assert.equal(router.match([{ space: 1, levels: ['x'] }], publication()).unrouted, 'all')
})

test('in a cycle an alternate gets nothing of what is routed, in whatever order the routes came', (t) => {
  t.after(() => alternates.clear())
  alternates.set(2, 9)
  const routes = [spec(1, [rest], { space: 2 }), spec(2, [rest], { space: 1 }), spec(1, ['k'], { log: 7 })]
  for (const order of [routes, routes.toReversed()]) {
    const router = newRouter()
    router.add(12, spec(9, [rest], { log: 8 }))
    order.forEach((route, i) => router.add(20 + i, route))
    for (const space of [1, 2]) {
      const { targets } = router.match([{ space, levels: ['k'] }], publication())
      assert.deepEqual(
        targets.map(({ log }) => log),
        [7],
      )
      assert.equal(router.match([{ space, levels: ['x'] }], publication()).unrouted, 'all', 'RabbitMQ does the same')
    }
  }
})

test('a chain of very many spaces does not exhaust the stack', () => {
  const router = newRouter()
  for (let space = 1; space < 50_000; space++) router.add(space, spec(space, [rest], { space: space + 1 }))
  assert.equal(router.match([{ space: 1, levels: ['k'] }], publication()).unrouted, 'all')
})

test('predicates look at each record; the order of a log is kept', () => {
  const router = newRouter()
  const equals = (value: number): Partial<RouteSpec> => ({ predicate: { op: 'equal', header: 'n', value } })
  router.add(10, spec(1, [], { log: 7 }, equals(1)))
  router.add(11, spec(1, [], { log: 7 }, { predicate: { op: 'exists', header: 'n' } }))
  router.add(12, spec(1, [], { log: 8 }, { predicate: { op: 'not', of: { op: 'equal', header: 'n', value: 2 } } }))
  const match = router.match([{ space: 1, levels: [] }], publication(batchOf([1, 2, null, 2, 1])))
  assert.deepEqual(match.targets, [
    {
      log: 7,
      session: 0,
      parts: [
        { runs: [0, 1], routes: [10, 11] },
        { runs: [1, 1, 3, 1], routes: [11] },
        { runs: [4, 1], routes: [10, 11] },
      ],
    },
    { log: 8, session: 0, parts: [{ runs: [0, 1, 4, 1], routes: [12] }] },
  ])
  assert.deepEqual(match.unrouted, [2], 'what is missing equals nothing, and does not differ either')
})

test('of a group one member gets each record, in turns', () => {
  const router = newRouter()
  const group = { group: { name: 'g', pick: 'roundRobin' as const } }
  for (const session of [5, 6, 7]) router.add(session * 10, spec(1, [rest], { session }, { ...group, owner: session }))
  const sessionOf = (): number => router.match([{ space: 1, levels: ['a'] }], publication()).targets[0]!.session
  assert.deepEqual(new Set([sessionOf(), sessionOf(), sessionOf()]), new Set([5, 6, 7]))
  const { targets } = router.match([{ space: 1, levels: ['a'] }], publication({ count: 30 }))
  assert.deepEqual(
    targets.map((target) => target.parts[0]!.runs![1]),
    [10, 10, 10],
  )
})

test('a group picks who is connected', () => {
  const router = new Router({ below: () => 0, alternateOf: () => 0, isConnected: (session) => session === 6 })
  const group = { group: { name: 'g', pick: 'random' as const } }
  for (const session of [5, 6]) router.add(session, spec(1, [rest], { session }, { ...group, owner: session }))
  for (let n = 0; n < 3; n++) {
    assert.equal(router.match([{ space: 1, levels: ['a'] }], publication()).targets[0]!.session, 6)
  }
})

test("noLocal: not what the owner itself publishes, also when the others' answer is known", () => {
  const router = newRouter()
  router.add(10, spec(1, [rest], { session: 5 }, { owner: 5, noLocal: true }))
  const to = [{ space: 1, levels: ['a'] }]
  for (let n = 0; n < 2; n++) {
    assert.equal(router.match(to, publication()).targets.length, 1)
    assert.equal(router.match(to, publication({ publisher: 5 })).targets.length, 0)
  }
})

test('at most once: a route may ask for the live way', () => {
  const router = newRouter()
  router.add(10, spec(1, [rest], { log: 7 }, { owner: 5, atMostOnce: 'live' }))
  router.add(11, spec(1, [rest], { session: 5 }, { owner: 5 }))
  const to = [{ space: 1, levels: ['a'] }]
  const live = { log: 0, session: 5, parts: [{ runs: null, routes: [10, 11] }] }
  assert.deepEqual(router.match(to, publication({ atMostOnce: true })).targets, [live])
  assert.equal(router.match(to, publication()).targets.length, 2)
})
