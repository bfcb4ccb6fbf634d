import type { Id, Pattern, RouteSpec } from '../facade/index.ts'
import { compilePredicate } from './predicate.ts'
import type { CompiledPredicate } from './predicate.ts'

/** A route as lookups want it. Of `log`, `session`, `space` one is not 0. */
export interface Route {
  /** 0: a log's own address. */
  id: Id
  from: Id
  pattern: Pattern
  log: Id
  session: Id
  space: Id
  predicate: CompiledPredicate | null
  group: Group | null
  /** Whose own publications do not match; 0: no such. */
  notFrom: Id
  /** Gets at-most-once publications live instead of stored; 0: stored like any other. */
  liveTo: Id
}

/** Of the matching routes of one name in one space, one gets each record. */
export interface Group {
  name: string
  pick: 'roundRobin' | 'random'
  /** Whose turn it is. */
  turn: number
  members: number
}

export function newRoute(id: Id, spec: RouteSpec, group: Group | null): Route {
  const { target } = spec
  return {
    id,
    from: spec.space,
    pattern: spec.pattern,
    log: 'log' in target ? target.log : 0,
    session: 'session' in target ? target.session : 0,
    space: 'space' in target ? target.space : 0,
    predicate: spec.predicate === undefined ? null : compilePredicate(spec.predicate),
    group,
    notFrom: spec.noLocal === true ? (spec.owner ?? 0) : 0,
    liveTo: spec.atMostOnce === 'live' && 'log' in target ? (spec.owner ?? 0) : 0,
  }
}

/** Does what it brings depend on more than the address? */
export const isDynamic = (route: Route): boolean => route.predicate !== null || route.group !== null
