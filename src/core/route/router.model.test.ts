import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder, RecordTable } from '../../log/index.ts'
import type { Address, Id, PatternLevel, RouteSpec, RouteTarget } from '../facade/index.ts'
import { encodeProperties } from '../message.ts'
import { Router } from './index.ts'
import type { Match, Publication } from './index.ts'
import { matchesPattern } from './testing/naive-match.ts'

const spaces = [1, 2, 3, 4]
const space = fc.constantFrom(...spaces)
const level: fc.Arbitrary<PatternLevel> = fc.oneof(
  fc.constantFrom('a', 'b'),
  fc.constantFrom('one' as const, 'rest' as const).map((any) => ({ any })),
)
const target: fc.Arbitrary<RouteTarget> = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 11, max: 14 }).map((log) => ({ log })) },
  { weight: 2, arbitrary: space.map((id) => ({ space: id })) },
  { weight: 1, arbitrary: fc.integer({ min: 21, max: 22 }).map((session) => ({ session })) },
)
const route: fc.Arbitrary<RouteSpec> = fc
  .record({
    space,
    pattern: fc.record({ levels: fc.array(level, { maxLength: 2 }) }),
    target,
    value: fc.option(fc.nat(1), { nil: undefined }),
    noLocal: fc.boolean(),
    live: fc.boolean(),
  })
  .map(({ value, noLocal, live, ...rest }) => ({
    kind: 'route',
    ...rest,
    owner: 'session' in rest.target ? rest.target.session : 21,
    noLocal,
    atMostOnce: live ? 'live' : 'store',
    ...(value !== undefined && { predicate: { op: 'equal', header: 'n', value } }),
  }))
const levels = fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 })
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), route }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('bind' as const),
      log: fc.integer({ min: 11, max: 14 }),
      levels,
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('alternate' as const), space, to: fc.constantFrom(0, ...spaces) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('match' as const),
      to: fc.array(fc.record({ space, levels }), { minLength: 1, maxLength: 2 }),
      publisher: fc.constantFrom(0, 21, 22),
      atMostOnce: fc.boolean(),
      except: fc.constantFrom(0, 11),
    }),
  },
)

/** Two records, whose header `n` is 0 and 1. */
const table = ((): RecordTable => {
  const builder = new BatchBuilder()
  for (const value of [0, 1]) {
    builder.add(0, null, null, encodeProperties({ headers: [{ name: 'n', value: { type: 'i32', value } }] }))
  }
  return new RecordTable(builder.finish())
})()

/** The tables as lists, and the closure as its definition says, for one record. */
class NaiveRouter {
  readonly routes = new Map<Id, RouteSpec>()
  readonly bound = new Map<Id, Address>()
  readonly alternates = new Map<Id, Id>()

  /** Target to its routes; and whether the record led anywhere. */
  match(
    to: readonly Address[],
    p: Publication,
    except: Id,
    record: number,
  ): { found: Map<string, Set<Id>>; led: boolean } {
    const found = new Map<string, Set<Id>>()
    const visited = new Map<Id, boolean>()
    let taken = false
    const reach = (key: string, id: Id): void => void found.set(key, (found.get(key) ?? new Set()).add(id))
    const enter = (at: Id): boolean => {
      if (visited.has(at)) return visited.get(at)!
      visited.set(at, true)
      const named = to.filter((address) => address.space === at)
      const here = (named.length > 0 ? named : to).map((address) => address.levels)
      let led = false
      const deliver = (log: Id, live: Id, id: Id): void => {
        led = taken = true
        if (log === 0 || log !== except) reach(live !== 0 ? `live ${live}` : `log ${log}`, id)
      }
      for (const [log, address] of this.bound) {
        if (address.space === at && here.some((one) => one.join() === address.levels.join())) deliver(log, 0, 0)
      }
      for (const [id, spec] of this.routes) {
        if (spec.space !== at || !here.some((one) => matchesPattern(spec.pattern, one))) continue
        if (spec.noLocal && spec.owner === p.publisher) continue
        if (spec.predicate?.op === 'equal' && spec.predicate.value !== record) continue
        if ('space' in spec.target) led = enter(spec.target.space) || led
        else if ('session' in spec.target) deliver(0, spec.target.session, id)
        else deliver(spec.target.log, p.atMostOnce && spec.atMostOnce === 'live' ? spec.owner! : 0, id)
      }
      const alternate = this.alternates.get(at) ?? 0
      if (!led && alternate !== 0) led = enter(alternate)
      visited.set(at, led)
      return led
    }
    for (const address of to) enter(address.space)
    return { found, led: taken }
  }
}

/** What a match says about one record, as the model says it. */
function ofRecord({ targets, unrouted }: Match, record: number): { found: Map<string, Set<Id>>; led: boolean } {
  const found = new Map<string, Set<Id>>()
  for (const { log, session, parts } of targets) {
    for (const { runs, routes } of parts) {
      if (runs !== null && !covers(runs, record)) continue
      const key = session !== 0 ? `live ${session}` : `log ${log}`
      assert.ok(!found.has(key), 'one copy for each target')
      assert.equal(new Set(routes).size, routes.length)
      found.set(key, new Set(routes.length === 0 ? [0] : routes))
    }
  }
  return { found, led: unrouted !== 'all' && unrouted?.includes(record) !== true }
}

function covers(runs: readonly number[], record: number): boolean {
  for (let r = 0; r < runs.length; r += 2) if (record >= runs[r]! && record < runs[r]! + runs[r + 1]!) return true
  return false
}

/** A bound log is a route without an id: it is listed only where it is the only one. */
function listed(routes: Set<Id>): Set<Id> {
  const others = new Set([...routes].filter((id) => id !== 0))
  return others.size > 0 ? others : new Set([0])
}

test('a match is what the definition of the closure says, whatever was cached before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const model = new NaiveRouter()
      const router = new Router({ below: () => 0, alternateOf: (at) => model.alternates.get(at) ?? 0 })
      let nextId = 1000
      for (const s of steps) {
        if (s.do === 'add') {
          router.add(++nextId, s.route)
          model.routes.set(nextId, s.route)
        } else if (s.do === 'remove') {
          const id = [...model.routes.keys()][s.which] ?? 0
          router.remove(id)
          model.routes.delete(id)
        } else if (s.do === 'bind') {
          const address = { space: 1, levels: s.levels }
          if (s.on) router.bind(s.log, address)
          else router.unbind(s.log)
          if (s.on) model.bound.set(s.log, address)
          else model.bound.delete(s.log)
        } else if (s.do === 'alternate') {
          model.alternates.set(s.space, s.to)
          router.changed()
        } else {
          const { publisher, atMostOnce, except } = s
          const publication = { publisher, atMostOnce, count: 2, foreign: true, table: () => table }
          const match = router.match(s.to, publication, except)
          for (const record of [0, 1]) {
            const expected = model.match(s.to, publication, except, record)
            for (const [key, routes] of expected.found) expected.found.set(key, listed(routes))
            assert.deepEqual(ofRecord(match, record), expected)
          }
        }
      }
    }),
    { numRuns: 1500 },
  )
})
