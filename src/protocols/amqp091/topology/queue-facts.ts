import type { Entry, Id, Json, LogSpec, SubscriptionSpec } from '../../../core/index.ts'
import type { Channel } from '../channel.ts'
import { refuse } from '../errors.ts'
import type { Link } from '../link.ts'
import { decodeName, stripLineEnds } from '../names.ts'
import type { ArgumentsJson } from './arguments.ts'

/** What queue.declare said; kept as the attributes of the log's default subscription. */
export interface QueueFacts {
  durable: boolean
  autoDelete: boolean
  /** The session of the one connection that may use it; 0 = not exclusive. */
  owner: Id
  arguments: ArgumentsJson
}

export const queueAttributes = (facts: QueueFacts): Json => ({ amqp: facts as unknown as Json })

export interface Queue {
  name: string
  log: Entry<LogSpec>
  /** Null: a log that nobody has used as a queue yet. */
  subscription: Entry<SubscriptionSpec> | null
  /** Null: it was not declared through AMQP. */
  facts: QueueFacts | null
}

export function findQueue(link: Link, name: string): Queue | undefined {
  const log = link.broker.findLog(link.namespace, decodeName(name))
  if (log === undefined) return undefined
  const subscription = link.broker.findSubscription(log.id, '', 'leased') ?? null
  const attributes = subscription?.spec.attributes as { amqp?: QueueFacts } | undefined
  return { name, log, subscription, facts: attributes?.amqp ?? null }
}

/** An empty name is the queue that the channel declared last. */
export function queueName(channel: Channel, name: string): string {
  if (name !== '') return stripLineEnds(name)
  if (channel.lastQueue === '') refuse('NOT_FOUND', 'no previously declared queue')
  return channel.lastQueue
}

export const inVhost = (link: Link, kind: 'queue' | 'exchange', name: string): string =>
  `${kind} '${name}' in vhost '${link.vhost}'`

/** A queue that this connection may use; throws NOT_FOUND or RESOURCE_LOCKED. */
export function requireQueue(channel: Channel, given: string): Queue {
  const name = queueName(channel, given)
  const queue = findQueue(channel.link, name)
  if (queue === undefined) refuse('NOT_FOUND', `no ${inVhost(channel.link, 'queue', name)}`)
  checkExclusive(channel.link, queue)
  return queue
}

export function checkExclusive(link: Link, { name, facts }: Queue): void {
  if (facts !== null && facts.owner !== 0 && facts.owner !== link.session) locked(link, name)
}

export function locked(link: Link, name: string): never {
  refuse(
    'RESOURCE_LOCKED',
    `cannot obtain exclusive access to locked ${inVhost(link, 'queue', name)}. It could be originally declared on ` +
      'another connection or the exclusive property value does not match that of the original declaration.',
  )
}

/** The default subscription of a log, made if the log has not been used as a queue before. */
export function subscriptionOf(link: Link, queue: Queue): Id {
  if (queue.subscription !== null) return queue.subscription.id
  void link.broker.define(
    [
      {
        kind: 'subscription',
        log: queue.log.id,
        name: '',
        mode: 'leased',
        start: 'first',
        policy: { retaining: false },
      },
    ],
    'ensure',
  )
  return link.broker.findSubscription(queue.log.id, '', 'leased')?.id ?? 0
}
