import { assert } from '../../base/index.ts'
import type { Address, Id, RouteSpec } from '../facade/index.ts'
import { MatchCache } from './match-cache.ts'
import type { Match, Publication } from './match.ts'
import { PatternTrie } from './pattern-trie.ts'
import { newRoute } from './route.ts'
import type { Group, Route } from './route.ts'
import { RouteIndex } from './route-index.ts'
import { noTable, Walk } from './walk.ts'

export interface RouterOptions {
  /** Integer below `bound`, for groups that pick at random. */
  below(bound: number): number
  /** The space that is tried when all of `space` led nowhere; 0: none. Call `changed()` when an answer changes. */
  alternateOf(space: Id): Id
  /** May this session be given anything now? A group picks another one if not. Absent: all may. */
  isConnected?(session: Id): boolean
}

/**
 * The routing tables of all spaces. A bound log is a route without an id. Results may be shared: do not change them.
 *
 * What an address leads to is kept until the next change of any table; only predicates, groups and `noLocal` are looked
 * at anew for each publication.
 */
export class Router {
  private readonly tables = new Map<Id, PatternTrie<Route>>()
  private readonly routes = new Map<Id, Route>()
  private readonly bound = new Map<Id, Route>()
  private readonly groups = new Map<string, Group>()
  private readonly index = new RouteIndex()
  private readonly cache = new MatchCache()
  private readonly options: RouterOptions

  constructor(options: RouterOptions) {
    this.options = options
  }

  /** Routes there are, the logs' own addresses not counted. */
  get size(): number {
    return this.routes.size
  }

  add(id: Id, spec: RouteSpec): void {
    assert(id !== 0 && !this.routes.has(id), 'a new route has an id of its own')
    const route = newRoute(id, spec, this.join(spec))
    this.routes.set(id, route)
    this.index.add(id, spec)
    this.insert(route)
  }

  remove(id: Id): void {
    const route = this.routes.get(id)
    if (route === undefined) return
    this.routes.delete(id)
    this.index.remove(id)
    if (route.group !== null && --route.group.members === 0) this.groups.delete(groupKey(route.from, route.group.name))
    this.take(route)
  }

  /** A log's own address. */
  bind(log: Id, { space, levels }: Address): void {
    this.unbind(log)
    const route = newRoute(0, { kind: 'route', space, pattern: { levels }, target: { log } }, null)
    this.bound.set(log, route)
    this.insert(route)
  }

  unbind(log: Id): void {
    const route = this.bound.get(log)
    if (route === undefined) return
    this.bound.delete(log)
    this.take(route)
  }

  /** Ids of the routes that start in, lead to, or belong to `id`. */
  of(id: Id): readonly Id[] {
    return this.index.of(id)
  }

  /** After a space, or its alternate, came or went. */
  changed(): void {
    this.cache.clear()
  }

  /** `except`: a log that has its copy already (an append to a bound log publishes at its address). */
  match(to: readonly Address[], publication: Publication, except: Id = 0): Match {
    const found = to.length === 1 ? this.lookUp(to, publication, except) : this.walk(to)
    return found instanceof Walk ? found.match(publication, except) : found
  }

  /** May any record published there, by whomever, reach a target other than `except`? */
  leadsOn(address: Address, except: Id): boolean {
    const found = this.lookUp([address], anybodys, except)
    return found instanceof Walk || found.targets.length > 0
  }

  /** What one address leads to; or how to find out, if that depends on the records. */
  private lookUp(to: readonly Address[], publication: Publication, except: Id): Match | Walk {
    const entry = this.cache.entry(to[0]!)
    const kept = entry.walk ?? entry.find(publication, except)
    if (kept !== null) return kept
    const walk = this.walk(to)
    if (walk.isDynamic) {
      entry.walk = walk
      this.cache.add(walk.weight)
      return walk
    }
    const match = walk.match(publication, except)
    this.cache.add(entry.keep(publication, except, match, walk.notFrom))
    return match
  }

  private walk(to: readonly Address[]): Walk {
    return new Walk(to, this.tables, this.options)
  }

  private insert(route: Route): void {
    let table = this.tables.get(route.from)
    if (table === undefined) this.tables.set(route.from, (table = new PatternTrie()))
    table.add(route.pattern, route)
    this.cache.clear()
  }

  private take(route: Route): void {
    const table = this.tables.get(route.from)!
    table.remove(route.pattern, route)
    if (table.size === 0) this.tables.delete(route.from)
    this.cache.clear()
  }

  private join(spec: RouteSpec): Group | null {
    if (spec.group === undefined) return null
    const key = groupKey(spec.space, spec.group.name)
    let group = this.groups.get(key)
    if (group === undefined) this.groups.set(key, (group = { ...spec.group, turn: 0, members: 0 }))
    group.members++
    return group
  }
}

/** Where nothing depends on the records, nobody asks for them. */
const anybodys: Publication = { publisher: 0, atMostOnce: false, count: 1, foreign: false, table: noTable }

const groupKey = (space: Id, name: string): string => `${space}:${name}`
