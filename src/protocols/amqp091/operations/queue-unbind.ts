import { refuse } from '../errors.ts'
import { spaceName, stripLineEnds } from '../names.ts'
import { findBinding } from '../topology/bindings.ts'
import { checkExclusive, findQueue, queueName } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

/** A binding that is not there is gone already, and so are those of queues and exchanges that are not there. */
export const queueUnbind: ChannelOperation<Args<'queue.unbind'>> = (connection, channel, args) => {
  const { link } = connection
  if (args.exchange === '') refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  const name = queueName(channel, args.queue)
  const key = args.queue === '' && args.routingKey === '' ? name : args.routingKey
  const queue = findQueue(link, name)
  if (queue !== undefined) checkExclusive(link, queue)
  const space = link.broker.findSpace(link.namespace, spaceName(stripLineEnds(args.exchange)))
  const route = queue && space && findBinding(link, space.id, queue.log.id, key, args.arguments)
  const unbindOk = (): void => link.method(channel.number, 'queue.unbind-ok', {})
  if (route === undefined) replySettled(connection, channel, unbindOk)
  else replyWhen(connection, channel, link.broker.drop([{ id: route }]), unbindOk)
}
