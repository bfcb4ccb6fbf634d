import { bindingRoute, requireExchange } from '../topology/bindings.ts'
import { requireQueue } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { refuse } from '../errors.ts'
import { replyWhen, type ChannelOperation } from './reply.ts'

export const queueBind: ChannelOperation<Args<'queue.bind'>> = (connection, channel, args) => {
  const { link } = connection
  if (args.exchange === '') refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  const queue = requireQueue(channel, args.queue)
  const space = requireExchange(link, args.exchange)
  // Both left out: the key is the queue's name.
  const key = args.queue === '' && args.routingKey === '' ? queue.name : args.routingKey
  const route = bindingRoute(space, { log: queue.log.id }, key, args.arguments)
  replyWhen(connection, channel, link.broker.define([route], 'ensure'), () => {
    if (!args.nowait) link.method(channel.number, 'queue.bind-ok', {})
  })
}
