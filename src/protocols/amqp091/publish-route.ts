import type { Address, Id } from '../../core/index.ts'
import { refuse } from './errors.ts'
import type { Link } from './link.ts'
import { decodeName, destinationOf, spaceName, stripLineEnds } from './names.ts'
import { exchangeFacts } from './topology/exchange-facts.ts'
import type { PublishArgs } from './wire/index.ts'

/** Where the publishes of one exchange and routing key go. */
export interface PublishRoute {
  channel: number
  args: PublishArgs
  /** 0: the default exchange. */
  space: Id
  /** Each message is a batch of its own: a queue that refuses at its limit takes a batch whole or not at all. */
  alone: boolean
  /** Header `x-delay` counts. */
  delayed: boolean
}

/** One target: an address to publish to, or a log to append to; null leads nowhere. */
export type Target = { to: Address } | { log: Id } | null

/** Throws when the exchange is not there or not for publishing. */
export function resolveRoute(link: Link, channel: number, args: PublishArgs): PublishRoute {
  if (args.immediate) refuse('NOT_IMPLEMENTED', 'immediate=true')
  const exchange = stripLineEnds(args.exchange)
  if (exchange === '') return { channel, args, space: 0, alone: refusesAtLimit(link, args.routingKey), delayed: false }
  const space = link.broker.findSpace(link.namespace, spaceName(exchange))
  if (space === undefined) refuse('NOT_FOUND', `no exchange '${exchange}' in vhost '${link.vhost}'`)
  const { internal, delayed } = exchangeFacts(space)
  if (internal) {
    refuse('ACCESS_REFUSED', `cannot publish to internal exchange '${exchange}' in vhost '${link.vhost}'`)
  }
  return { channel, args, space: space.id, alone: false, delayed: delayed ?? false }
}

/** Each message with these copies is a batch of its own. */
export const goesAlone = (link: Link, route: PublishRoute, copies: readonly string[]): boolean =>
  route.alone || (route.space === 0 && copies.some((queue) => refusesAtLimit(link, queue)))

function refusesAtLimit(link: Link, queue: string): boolean {
  const log = link.broker.findLog(link.namespace, decodeName(queue))
  const subscription = log && link.broker.findSubscription(log.id, '', 'leased')
  const overflow = subscription?.spec.policy?.overflow
  return overflow === 'refuse' || overflow === 'refuseDeadLetter'
}

export function targetOf(link: Link, route: PublishRoute, key: string): Target {
  if (route.space !== 0) return { to: { space: route.space, levels: decodeName(key) } }
  const destination = destinationOf(key)
  if (destination.kind === 'address') {
    const shared = link.broker.findSpace(link.namespace, '')
    return shared === undefined ? null : { to: { space: shared.id, levels: destination.name } }
  }
  const log = link.broker.findLog(link.namespace, destination.name)
  return log === undefined ? null : { log: log.id }
}
