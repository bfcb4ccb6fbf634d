import { AssertionError } from '../../base/index.ts'
import type { Address, Id } from '../facade/index.ts'
import type { Levels } from '../names.ts'
import { Gathering } from './gathering.ts'
import type { Match, Publication } from './match.ts'
import type { PatternTrie } from './pattern-trie.ts'
import { HeaderView } from './predicate.ts'
import { isDynamic } from './route.ts'
import type { Group, Route } from './route.ts'

/** Spaces in a row; a longer chain is cut, so that no table of routes can exhaust the stack. */
const depthMax = 1000
const allRecords = -1
export function noTable(): never {
  throw new AssertionError('nothing is being published')
}
const nobodys: Publication = { publisher: 0, atMostOnce: false, count: 0, foreign: false, table: noTable }

/** What matches in one space: routes for themselves, and groups of which one member is picked. */
interface Matched {
  routes: Route[]
  groups: { group: Group; members: Route[] }[]
}

/** See `RouterOptions`. */
export interface WalkOptions {
  below(bound: number): number
  alternateOf(space: Id): Id
  isConnected?(session: Id): boolean
}

/**
 * The closure of routes from some addresses, over one version of the tables. A space is entered once a record, however
 * many ways lead there, so cycles end; its alternate is tried when all of it led nowhere, and to no cycle.
 */
export class Walk {
  /** Known after the first match: does it depend on the records, or on whose turn it is? */
  isDynamic = false
  /** Publishers for whom it would be different. */
  readonly notFrom = new Set<Id>()
  private readonly to: readonly Address[]
  private readonly tables: ReadonlyMap<Id, PatternTrie<Route>>
  private readonly options: WalkOptions
  private readonly matched = new Map<Id, Matched>()
  private readonly visited = new Map<Id, boolean>()
  private publication = nobodys
  private headers: HeaderView | null = null
  private gathering!: Gathering
  private except: Id = 0
  private record = allRecords
  /** The record has a target. */
  private led = false

  constructor(to: readonly Address[], tables: ReadonlyMap<Id, PatternTrie<Route>>, options: WalkOptions) {
    this.to = to
    this.tables = tables
    this.options = options
    this.explore()
  }

  match(publication: Publication, except: Id): Match {
    this.publication = publication
    this.except = except
    this.headers = null
    this.gathering = new Gathering(publication.count)
    if (!this.isDynamic) {
      this.follow(allRecords)
    } else {
      for (let record = 0; record < publication.count; record++) this.follow(record)
      this.passTurns()
    }
    const match = this.gathering.finish()
    // It may be kept for long; what was published is not to be kept with it.
    this.publication = nobodys
    this.headers = null
    return match
  }

  /** Routes that it remembers. */
  get weight(): number {
    let weight = 0
    for (const { routes, groups } of this.matched.values()) {
      weight += routes.length
      for (const { members } of groups) weight += members.length
    }
    return weight
  }

  /** Looks everywhere it may lead, so that it is known whether the answer is always the same. */
  private explore(): void {
    const spaces = new Set(this.to.map((address) => address.space))
    for (const space of spaces) {
      const { routes, groups } = this.matchedIn(space)
      if (groups.length > 0) this.isDynamic = true
      for (const route of routes) this.note(route, spaces)
      for (const { members } of groups) for (const route of members) this.note(route, spaces)
      const alternate = this.options.alternateOf(space)
      if (alternate !== 0) spaces.add(alternate)
    }
  }

  private note(route: Route, spaces: Set<Id>): void {
    if (isDynamic(route)) this.isDynamic = true
    if (route.notFrom !== 0) this.notFrom.add(route.notFrom)
    if (route.space !== 0) spaces.add(route.space)
  }

  private matchedIn(space: Id): Matched {
    let matched = this.matched.get(space)
    if (matched === undefined) this.matched.set(space, (matched = this.find(space)))
    return matched
  }

  private find(space: Id): Matched {
    const found: Route[] = []
    const table = this.tables.get(space)
    if (table !== undefined) for (const levels of this.levelsAt(space)) table.find(levels, found)
    const matched: Matched = { routes: [], groups: [] }
    for (const route of new Set(found)) {
      if (route.group === null) {
        matched.routes.push(route)
        continue
      }
      const group = matched.groups.find((g) => g.group === route.group)
      if (group === undefined) matched.groups.push({ group: route.group, members: [route] })
      else group.members.push(route)
    }
    return matched
  }

  /** A space that was named is looked up with what was said there; one that routes lead to, with every address. */
  private levelsAt(space: Id): Levels[] {
    const named = this.to.filter((address) => address.space === space)
    return (named.length > 0 ? named : this.to).map((address) => address.levels)
  }

  private follow(record: number): void {
    this.record = record
    this.visited.clear()
    this.led = false
    for (const { space } of this.to) this.enter(space, 0)
    this.gathering.endRecord(record, this.led)
  }

  /** Did it lead anywhere, if only round in a cycle? */
  private enter(space: Id, depth: number): boolean {
    const known = this.visited.get(space)
    if (known !== undefined || depth > depthMax) return known ?? false
    this.visited.set(space, true)
    const { routes, groups } = this.matchedIn(space)
    let led = false
    for (const route of routes) if (this.applies(route)) led = this.take(route, depth) || led
    for (const { group, members } of groups) {
      const route = this.pick(group, members)
      if (route !== null) led = this.take(route, depth) || led
    }
    if (!led) {
      const alternate = this.options.alternateOf(space)
      if (alternate !== 0) led = this.enter(alternate, depth + 1)
    }
    this.visited.set(space, led)
    return led
  }

  private applies(route: Route): boolean {
    if (route.notFrom !== 0 && route.notFrom === this.publication.publisher) return false
    if (route.predicate === null) return true
    this.headers ??= new HeaderView(this.publication.table(), this.publication.foreign)
    return route.predicate(this.headers.at(this.record)) === true
  }

  private take(route: Route, depth: number): boolean {
    if (route.space !== 0) return this.enter(route.space, depth + 1)
    this.led = true
    if (route.log !== 0 && route.log === this.except) return true
    const live = route.session !== 0 ? route.session : this.publication.atMostOnce ? route.liveTo : 0
    this.gathering.add(live !== 0 ? 0 : route.log, live, route.id)
    return true
  }

  /** The records of a batch are dealt in as many pieces as there are members: they stay long runs. */
  private pick(group: Group, members: readonly Route[]): Route | null {
    const able = members.filter((route) => this.applies(route))
    const connected = able.filter((route) => route.session === 0 || this.options.isConnected?.(route.session) !== false)
    const from = connected.length > 0 ? connected : able
    if (from.length === 0) return null
    if (this.record === 0 && group.pick === 'random') group.turn = this.options.below(from.length)
    const pieces = Math.min(from.length, this.publication.count)
    const piece = Math.floor((this.record * pieces) / this.publication.count)
    return from[(group.turn + piece) % from.length]!
  }

  private passTurns(): void {
    for (const { groups } of this.matched.values()) {
      for (const { group, members } of groups) {
        group.turn = (group.turn + Math.min(members.length, this.publication.count)) % 0x1000_0000
      }
    }
  }
}
