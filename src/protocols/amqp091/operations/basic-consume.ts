import { failed } from '../../../base/index.ts'
import type { Header } from '../../../core/index.ts'
import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import { Consumer, sizedName } from '../consumer.ts'
import { protocolError, ProtocolError, refuse } from '../errors.ts'
import type { Link } from '../link.ts'
import { decodeName, directReplyTo } from '../names.ts'
import { argument, integerOf, typeName } from '../topology/arguments.ts'
import { inVhost, requireQueue, subscriptionOf } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replyWhen, type ChannelOperation } from './reply.ts'

type Consume = Args<'basic.consume'>

export const basicConsume: ChannelOperation<Consume> = (connection, channel, args) => {
  const { link, consumers } = connection
  const tag = args.consumerTag === '' ? generatedTag(link) : args.consumerTag
  if (channel.consumers.has(tag) || channel.replyConsumer?.tag === tag) {
    refuse('NOT_ALLOWED', `attempt to reuse consumer tag '${tag}'`)
  }
  if (args.queue === directReplyTo) return consumeReplies(connection, channel, args, tag)
  const queue = requireQueue(channel, args.queue)
  const type = queue.facts?.arguments.find(([name]) => name === 'x-queue-type')?.[2]
  const consumer = new Consumer({
    tag,
    channel: channel.number,
    queue: queue.name,
    subscription: subscriptionOf(link, queue),
    noAck: args.noAck,
    exclusive: args.exclusive,
    priority: priorityOf(args.arguments, inVhost(link, 'queue', queue.name)),
    prefetch: channel.prefetch,
    countsDeliveries: type === 'quorum',
  })
  channel.consumers.set(tag, consumer)
  const cause = connection.current
  const fail = (error: unknown): void => {
    channel.consumers.delete(tag)
    if (channel.open) connection.fail(channel, error, cause)
  }
  link.outbox.after(
    consumers.attach(channel, consumer),
    (outcome) => {
      if (failed(outcome)) {
        const inUse = new ProtocolError('ACCESS_REFUSED', `${inVhost(link, 'queue', queue.name)} in exclusive use`)
        fail(outcome.error === 'inUse' ? inUse : protocolError(outcome))
        return
      }
      if (!args.nowait && !channel.muted) link.method(channel.number, 'basic.consume-ok', { consumerTag: tag })
      consumers.started(channel, consumer, outcome.ok.consumer)
    },
    fail,
  )
}

const generatedTag = (link: Link): string => `amq.ctag-${link.context.random.bytes(16).toString('base64url')}`

function priorityOf(table: readonly Header[], of: string): number {
  const value = argument(table, 'x-priority')
  if (value === undefined) return 0
  const priority = integerOf(value)
  if (priority !== undefined) return priority
  return refuse('PRECONDITION_FAILED', `invalid arg 'x-priority' for ${of}: "expected integer, got ${typeName(value)}"`)
}

/** Direct reply-to: a live route from an address of its own, in the shared space, to this connection. */
function consumeReplies(connection: Connection, channel: Channel, args: Consume, tag: string): void {
  const { link, consumers } = connection
  if (!args.noAck) refuse('PRECONDITION_FAILED', 'reply consumer cannot acknowledge')
  if (channel.replyConsumer !== null) refuse('PRECONDITION_FAILED', 'reply consumer already set')
  const shared = link.broker.findSpace(link.namespace, '')
  if (shared === undefined) refuse('NOT_FOUND', `no ${inVhost(link, 'exchange', 'amq.topic')}`)
  const name = `${directReplyTo}.${link.context.random.bytes(16).toString('base64url')}`
  const reply = { tag, tagBytes: sizedName(tag), name, route: 0 }
  channel.replyConsumer = reply
  const route = {
    kind: 'route' as const,
    space: shared.id,
    pattern: { levels: decodeName(name) },
    target: { session: link.session },
    owner: link.session,
  }
  const defining = link.broker.define([route], 'create')
  void defining.then(([outcome]) => {
    if (outcome !== undefined && !failed(outcome)) consumers.startReplies(channel, reply, outcome.ok.id)
  })
  replyWhen(connection, channel, defining, () => {
    if (!args.nowait) link.method(channel.number, 'basic.consume-ok', { consumerTag: tag })
  })
}
