import { refuse } from '../errors.ts'
import { checkExclusive, findQueue, inVhost, queueName } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

/** Of a log that another protocol made, only its use as a queue is deleted. A queue that is not there is deleted already. */
export const queueDelete: ChannelOperation<Args<'queue.delete'>> = (connection, channel, args) => {
  const { link } = connection
  const name = queueName(channel, args.queue)
  const deleteOk = (messageCount: number): void => {
    if (!args.nowait) link.method(channel.number, 'queue.delete-ok', { messageCount })
  }
  const queue = findQueue(link, name)
  const own = queue?.log.spec.tags?.by === 'amqp'
  const id = own ? queue.log.id : queue?.subscription?.id
  if (queue === undefined || id === undefined) {
    replySettled(connection, channel, () => deleteOk(0))
    return
  }
  checkExclusive(link, queue)
  const of = inVhost(link, 'queue', name)
  const stats = queue.subscription === null ? null : link.broker.stats(queue.subscription.id)
  if (args.ifUnused && stats !== null && stats.consumers > 0) refuse('PRECONDITION_FAILED', `${of} in use`)
  if (args.ifEmpty && stats !== null && stats.ready > 0) refuse('PRECONDITION_FAILED', `${of} not empty`)
  replyWhen(connection, channel, link.broker.drop([{ id }]), ([dropped]) => deleteOk(dropped?.records ?? 0))
}
