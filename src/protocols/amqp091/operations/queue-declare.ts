import type { Broker, LogSpec, SubscriptionSpec } from '../../../core/index.ts'
import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import { refuse } from '../errors.ts'
import type { Link } from '../link.ts'
import { decodeName, directReplyTo, stripLineEnds } from '../names.ts'
import { argumentsJson, inequivalent, inequivalentArgument } from '../topology/arguments.ts'
import { comparedArguments, queueTerms, type QueueTerms } from '../topology/queue-arguments.ts'
import {
  checkExclusive,
  findQueue,
  inVhost,
  locked,
  queueAttributes,
  type Queue,
  type QueueFacts,
} from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

type Declare = Args<'queue.declare'>

/** A queue is a log and its default subscription; the arguments become the subscription's policy. */
export const queueDeclare: ChannelOperation<Declare> = (connection, channel, args) => {
  const { link } = connection
  if (args.passive) return declarePassive(connection, channel, args)
  const given = stripLineEnds(args.queue)
  const name = given === '' ? generatedName(link) : given
  const of = inVhost(link, 'queue', name)
  const terms = queueTerms(args.arguments, of)
  const facts: QueueFacts = {
    durable: args.durable,
    autoDelete: args.autoDelete,
    owner: args.exclusive ? link.session : 0,
    arguments: argumentsJson(args.arguments),
  }
  const queue = findQueue(link, name)
  if (queue === undefined) {
    if (given.startsWith('amq.')) refuse('ACCESS_REFUSED', `queue name '${name}' contains reserved prefix 'amq.*'`)
    checkQuorum(terms, args, of)
    channel.lastQueue = name
    const specs = [logSpec(link, name, args, terms), subscriptionSpec(link, name, facts, terms)]
    replyWhen(connection, channel, link.broker.define(specs, 'create'), () => declareOk(channel, args, name))
    return
  }
  checkExclusive(link, queue)
  if (queue.facts !== null) checkEquivalent(link, queue, args, facts)
  channel.lastQueue = name
  const spec = subscriptionSpec(link, name, facts, terms, true)
  const outcomes = queue.subscription === null ? link.broker.define([spec], 'ensure') : used(link, queue)
  replyWhen(connection, channel, outcomes, () => declareOk(channel, args, name))
}

/** Declaring again counts as use, for x-expires. */
const used = (link: Link, queue: Queue): ReturnType<Broker['define']> => link.broker.define([queue.log.spec], 'ensure')

function declarePassive(connection: Connection, channel: Channel, args: Declare): void {
  const { link } = connection
  const name = stripLineEnds(args.queue)
  if (name === directReplyTo || isReplyAddress(link, name)) {
    const ok = { queue: name, messageCount: 0, consumerCount: 1 }
    replySettled(connection, channel, () => link.method(channel.number, 'queue.declare-ok', ok))
    return
  }
  const queue = findQueue(link, name)
  if (queue === undefined) refuse('NOT_FOUND', `no ${inVhost(link, 'queue', name)}`)
  checkExclusive(link, queue)
  channel.lastQueue = name
  replyWhen(connection, channel, used(link, queue), () => declareOk(channel, args, name))
}

/** A direct reply-to consumer is still there. */
function isReplyAddress(link: Link, name: string): boolean {
  if (!name.startsWith(`${directReplyTo}.`)) return false
  const shared = link.broker.findSpace(link.namespace, '')
  if (shared === undefined) return false
  const wanted = decodeName(name)
  return link.broker
    .routes(shared.id)
    .some(
      ({ spec: { pattern } }) =>
        pattern.levels.length === wanted.length && pattern.levels.every((level, i) => level === wanted[i]),
    )
}

/** The counts are those of the moment when the answer goes out. */
function declareOk(channel: Channel, args: Declare, name: string): void {
  if (args.nowait) return
  const { link } = channel
  const id = findQueue(link, name)?.subscription?.id
  const stats = id === undefined ? { ready: 0, consumers: 0 } : link.broker.stats(id)
  const ok = { queue: name, messageCount: stats.ready, consumerCount: stats.consumers }
  link.method(channel.number, 'queue.declare-ok', ok)
}

const generatedName = (link: Link): string => `amq.gen-${link.context.random.bytes(16).toString('base64url')}`

/** A replicated queue is nobody's own. We keep one as any other, but say no where RabbitMQ does. */
function checkQuorum(terms: QueueTerms, args: Declare, of: string): void {
  if (terms.type !== 'quorum') return
  const invalid = args.exclusive
    ? 'exclusive-owner'
    : args.autoDelete
      ? 'auto-delete'
      : args.durable
        ? null
        : 'non-durable'
  if (invalid !== null) refuse('PRECONDITION_FAILED', `invalid property '${invalid}' for ${of}`)
}

function checkEquivalent(link: Link, { name, facts }: Queue, args: Declare, received: QueueFacts): void {
  const current = facts!
  const of = inVhost(link, 'queue', name)
  if (received.owner !== current.owner) locked(link, name)
  if (args.durable !== current.durable) {
    refuse('PRECONDITION_FAILED', inequivalent('durable', args.durable, current.durable, of))
  }
  if (args.autoDelete !== current.autoDelete) {
    refuse('PRECONDITION_FAILED', inequivalent('auto_delete', args.autoDelete, current.autoDelete, of))
  }
  const differs = inequivalentArgument(comparedArguments, received.arguments, current.arguments, of)
  if (differs !== undefined) refuse('PRECONDITION_FAILED', differs)
}

function logSpec(link: Link, name: string, args: Declare, terms: QueueTerms): LogSpec {
  const lifetime = {
    ...(args.exclusive ? { owner: link.session } : args.durable ? undefined : { owner: link.transients }),
    ...(args.autoDelete ? { lastConsumer: true } : undefined),
    ...(terms.expiresMs === undefined ? undefined : { unusedMs: terms.expiresMs }),
  }
  return {
    kind: 'log',
    namespace: link.namespace,
    name: decodeName(name),
    partitions: 1,
    ...(terms.priorityMax > 0 ? { lanes: terms.priorityMax } : undefined),
    // Who says that a queue need not outlive the broker does not wait for the disk.
    ...(args.durable ? undefined : { durability: 'os' as const }),
    keep: { consumed: true },
    ...(Object.keys(lifetime).length > 0 ? { lifetime } : undefined),
    tags: { by: 'amqp' },
  }
}

/** `view`: of a log that was there before; its records stay however this goes. */
function subscriptionSpec(
  link: Link,
  name: string,
  facts: QueueFacts,
  terms: QueueTerms,
  view = false,
): SubscriptionSpec {
  return {
    kind: 'subscription',
    log: { namespace: link.namespace, name: decodeName(name) },
    name: '',
    mode: 'leased',
    start: 'first',
    policy: view ? { ...terms.policy, retaining: false } : terms.policy,
    attributes: queueAttributes(facts),
    tags: { by: 'amqp' },
  }
}
