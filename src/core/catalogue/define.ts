import { unreachable } from '../../base/index.ts'
import type { Failure, Outcome } from '../../base/index.ts'
import type {
  Defined,
  Id,
  LogSpec,
  NamespaceSpec,
  RouteSpec,
  SpaceSpec,
  Spec,
  SubscriptionSpec,
} from '../facade/index.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import type { Item } from './catalogue.ts'
import { createLog, replaceLog } from './logs.ts'
import { put } from './partitions.ts'
import { createRoute, replaceRoute } from './routes.ts'
import { createSubscription } from './subscriptions.ts'

type Mode = 'create' | 'ensure' | 'replace'

/** One definition; what it stages is in the commit being filled. */
export function define(shard: Shard, spec: Spec, mode: Mode): Outcome<Defined> {
  switch (spec.kind) {
    case 'namespace':
      return defineAs(shard, mode, shard.catalogue.namespace(spec.name), {
        create: () => createNamespace(shard, spec),
        replace: (item) => replaced(shard, item, spec),
      })
    case 'space':
      return defineSpace(shard, spec, mode)
    case 'log':
      return defineLog(shard, spec, mode)
    case 'subscription':
      return defineSubscription(shard, spec, mode)
    case 'route':
      return defineRoute(shard, spec, mode)
    default:
      return unreachable(spec)
  }
}

interface Ways {
  create(): Item | Failure
  replace(item: Item): Item | Failure
}

function defineAs(shard: Shard, mode: Mode, known: Item | undefined, ways: Ways): Outcome<Defined> {
  if (known === undefined) return defined(ways.create(), true)
  shard.used(known.id)
  if (mode === 'create') return { error: 'exists', detail: `there is one already, with id ${known.id}` }
  return defined(mode === 'ensure' ? known : ways.replace(known), false)
}

function defined(item: Item | Failure, created: boolean): Outcome<Defined> {
  if ('error' in item) return item
  return { ok: { id: item.id, revision: item.revision, created } }
}

/** The item with another definition, one revision on. */
export function replaced(shard: Shard, item: Item, spec: Spec): Item {
  const next: Item = { ...item, revision: item.revision + 1, spec }
  put(shard, next)
  return next
}

export function createNamespace(shard: Shard, spec: NamespaceSpec): Item {
  const item: Item = { id: shard.ids.take(), revision: 1, spec }
  put(shard, item)
  put(shard, { id: shard.ids.take(), revision: 1, spec: { kind: 'space', namespace: item.id, name: '' } })
  shard.router.changed()
  return item
}

function namespaceMissing(shard: Shard, id: Id): Failure | null {
  return shard.catalogue.get(id)?.spec.kind === 'namespace' ? null : notFound('namespace')
}

function defineSpace(shard: Shard, spec: SpaceSpec, mode: Mode): Outcome<Defined> {
  const missing = namespaceMissing(shard, spec.namespace) ?? ownerMissing(shard, spec.lifetime?.owner)
  if (missing !== null) return missing
  return defineAs(shard, mode, shard.catalogue.space(spec.namespace, spec.name), {
    create: () => {
      const item: Item = { id: shard.ids.take(), revision: 1, spec }
      put(shard, item)
      own(shard, spec.lifetime?.owner, item.id)
      shard.router.changed()
      return item
    },
    replace: (item) => {
      const next = replaced(shard, item, spec)
      shard.router.changed()
      return next
    },
  })
}

function defineLog(shard: Shard, spec: LogSpec, mode: Mode): Outcome<Defined> {
  const missing = namespaceMissing(shard, spec.namespace) ?? ownerMissing(shard, spec.lifetime?.owner)
  if (missing !== null) return missing
  if (spec.name.length === 0) return { error: 'invalid', detail: 'a log needs a name' }
  return defineAs(shard, mode, shard.catalogue.log(spec.namespace, spec.name), {
    create: () => {
      const item = createLog(shard, spec)
      if (!('error' in item)) own(shard, spec.lifetime?.owner, item.id)
      return item
    },
    replace: (item) => replaceLog(shard, item, spec),
  })
}

function defineSubscription(shard: Shard, given: SubscriptionSpec, mode: Mode): Outcome<Defined> {
  const id = typeof given.log === 'number' ? given.log : shard.catalogue.log(given.log.namespace, given.log.name)?.id
  const log = id === undefined ? undefined : shard.logs.get(id)
  if (log === undefined) return notFound('log')
  const missing = ownerMissing(shard, given.lifetime?.owner)
  if (missing !== null) return missing
  const spec: SubscriptionSpec = { ...given, log: log.id }
  return defineAs(shard, mode, shard.catalogue.subscription(log.id, spec.name, spec.mode), {
    create: () => {
      const item = createSubscription(shard, log, spec)
      own(shard, spec.lifetime?.owner, item.id)
      return item
    },
    replace: (item) => {
      const leased = shard.leased.get(item.id)
      leased?.redefine(spec)
      if (leased !== undefined) shard.settled(leased)
      return replaced(shard, item, spec)
    },
  })
}

function defineRoute(shard: Shard, spec: RouteSpec, mode: Mode): Outcome<Defined> {
  if (shard.catalogue.get(spec.space)?.spec.kind !== 'space') return notFound('space')
  const missing = ownerMissing(shard, spec.owner) ?? targetMissing(shard, spec)
  if (missing !== null) return missing
  const known = shard.catalogue.route(spec) ?? (mode === 'replace' ? replaceRoute(shard, spec) : undefined)
  return defineAs(shard, mode, known, {
    create: () => createRoute(shard, spec),
    replace: (item) => item,
  })
}

function targetMissing(shard: Shard, { target }: RouteSpec): Failure | null {
  if ('session' in target) return shard.sessions.has(target.session) ? null : notFound('session')
  if ('log' in target) return shard.logs.has(target.log) ? null : notFound('log')
  return shard.catalogue.get(target.space)?.spec.kind === 'space' ? null : notFound('space')
}

function ownerMissing(shard: Shard, owner: Id | undefined): Failure | null {
  return owner === undefined || shard.sessions.has(owner) ? null : notFound('session')
}

function own(shard: Shard, owner: Id | undefined, id: Id): void {
  if (owner !== undefined) shard.sessions.get(owner)?.owned.add(id)
}
