import { createHash } from 'node:crypto'
import { levelsKey } from '../names.ts'
import type { Levels } from '../names.ts'
import type {
  Entry,
  Id,
  Kind,
  LogSpec,
  NamespaceSpec,
  RouteSpec,
  SpaceSpec,
  Spec,
  SubscriptionSpec,
} from '../facade/index.ts'

/** What holds a namespace's deferred publishes: a log with one partition, and its leased subscription. */
export interface ScheduleIds {
  log: Id
  subscription: Id
  partition: number
}

/** A catalogue object as the shard keeps it. */
export interface Item<S extends Spec = Spec> extends Entry<S> {
  /** Of a log: the store's ids of its partitions, by index; 0 where there is none yet (lanes). */
  partitions?: readonly number[]
  /** Of a leased subscription: where it began in each partition, by index. */
  starts?: readonly number[]
  /** Of a log: none of its records ever expired by itself, or was withheld. Absent in what older versions have written. */
  untimed?: boolean
  /** Of a namespace: what holds its deferred publishes. */
  schedule?: ScheduleIds
  /** It dies with the process, because its owner does: not in the journal. */
  volatile?: boolean
}

/** What exists, by id and by name. It has no effects: `define.ts` and `drop.ts` do. */
export class Catalogue {
  /** What ends after a time without use. */
  readonly idling = new Set<Id>()
  private readonly items = new Map<Id, Item>()
  private readonly names = new Map<string, Id>()
  /** Routes that do the same, whatever describes them; a set only where there are several. */
  private readonly alike = new Map<string, Id | Set<Id>>()
  private readonly byKind = new Map<Kind, Map<Id, Item>>()

  get(id: Id): Item | undefined {
    return this.items.get(id)
  }

  namespace(name: string): Item<NamespaceSpec> | undefined {
    return this.named('namespace', `n${name}`)
  }

  space(namespace: Id, name: string): Item<SpaceSpec> | undefined {
    return this.named('space', `s${namespace}:${name}`)
  }

  log(namespace: Id, name: Levels): Item<LogSpec> | undefined {
    return this.named('log', `l${namespace}:${levelsKey(name)}`)
  }

  subscription(log: Id, name: string, mode: 'positional' | 'leased'): Item<SubscriptionSpec> | undefined {
    return this.named('subscription', `${mode}${log}:${name}`)
  }

  /** The same route defined before, word for word. */
  route(spec: RouteSpec): Item<RouteSpec> | undefined {
    return this.named('route', routeKey(spec))
  }

  /** One that does the same, whatever describes it: what `replace` replaces. */
  routeLike(spec: RouteSpec): Item<RouteSpec> | undefined {
    const ids = this.alike.get(likeKey(spec)) ?? 0
    const [id = 0] = typeof ids === 'number' ? [ids] : ids
    return this.items.get(id) as Item<RouteSpec> | undefined
  }

  all<K extends Kind>(kind: K): Item<Extract<Spec, { kind: K }>>[] {
    return [...(this.byKind.get(kind)?.values() ?? [])] as Item<Extract<Spec, { kind: K }>>[]
  }

  /** Which namespace an object is in. */
  namespaceOf(spec: Spec): Id {
    switch (spec.kind) {
      case 'namespace':
        return this.namespace(spec.name)?.id ?? 0
      case 'space':
      case 'log':
        return spec.namespace
      case 'subscription':
        return typeof spec.log === 'number' ? this.namespaceOf(this.items.get(spec.log)!.spec) : spec.log.namespace
      case 'route':
        return (this.items.get(spec.space)?.spec as SpaceSpec | undefined)?.namespace ?? 0
    }
  }

  put(item: Item): void {
    const before = this.items.get(item.id)
    if (before !== undefined) this.remove(item.id)
    this.items.set(item.id, item)
    if ('lifetime' in item.spec && item.spec.lifetime.unusedMs !== undefined) this.idling.add(item.id)
    this.names.set(nameKey(item.spec), item.id)
    if (item.spec.kind === 'route') this.putLike(item.id, likeKey(item.spec))
    let kind = this.byKind.get(item.spec.kind)
    if (kind === undefined) this.byKind.set(item.spec.kind, (kind = new Map<Id, Item>()))
    kind.set(item.id, item)
  }

  remove(id: Id): void {
    const item = this.items.get(id)
    if (item === undefined) return
    this.items.delete(id)
    this.idling.delete(id)
    this.names.delete(nameKey(item.spec))
    this.byKind.get(item.spec.kind)!.delete(id)
    if (item.spec.kind === 'route') this.removeLike(id, likeKey(item.spec))
  }

  private putLike(id: Id, key: string): void {
    const ids = this.alike.get(key)
    if (typeof ids === 'object') ids.add(id)
    else this.alike.set(key, ids === undefined || ids === id ? id : new Set([ids, id]))
  }

  private removeLike(id: Id, key: string): void {
    const ids = this.alike.get(key)
    if (typeof ids === 'object') ids.delete(id)
    if (ids === id || (typeof ids === 'object' && ids.size === 0)) this.alike.delete(key)
  }

  private named<K extends Kind>(_kind: K, key: string): Item<Extract<Spec, { kind: K }>> | undefined {
    const id = this.names.get(key)
    return id === undefined ? undefined : (this.items.get(id) as Item<Extract<Spec, { kind: K }>>)
  }
}

export function routeTargetId(spec: RouteSpec): Id {
  const { target } = spec
  return 'log' in target ? target.log : 'space' in target ? target.space : target.session
}

function nameKey(spec: Spec): string {
  switch (spec.kind) {
    case 'namespace':
      return `n${spec.name}`
    case 'space':
      return `s${spec.namespace}:${spec.name}`
    case 'log':
      return `l${spec.namespace}:${levelsKey(spec.name)}`
    case 'subscription':
      return `${spec.mode}${spec.log as Id}:${spec.name}`
    case 'route':
      return routeKey(spec)
  }
}

const keyMax = 64

/** Everything that makes a route another one, in one order; what is the maker's counts, what describes it does not. */
function routeKey(spec: RouteSpec): string {
  const { space, pattern, predicate, target, group, owner, attributes } = spec
  const text = JSON.stringify([pattern, predicate, target, group, owner, attributes])
  return `r${space}:${routeTargetId(spec)}:${text.length > keyMax ? digest(text) : text}`
}

const likeKey = (spec: RouteSpec): string => routeKey({ ...spec, attributes: null })

/** A pattern may have 64 KiB, and a client thousands of them. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64')
