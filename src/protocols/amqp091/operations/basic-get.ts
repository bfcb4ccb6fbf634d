import { requireQueue, subscriptionOf } from '../topology/queue-facts.ts'
import { deliverTaken } from '../deliverer.ts'
import type { Args } from '../wire/index.ts'
import { replyWhen, type ChannelOperation } from './reply.ts'

export const basicGet: ChannelOperation<Args<'basic.get'>> = (connection, channel, args) => {
  const { link } = connection
  const { broker, session } = link
  const queue = requireQueue(channel, args.queue)
  const subscription = subscriptionOf(link, queue)
  const settle = args.noAck ? 'onDelivery' : 'byConsumer'
  const countsDeliveries = queue.facts?.arguments.some(
    ([name, , value]) => name === 'x-queue-type' && value === 'quorum',
  )
  const taken = broker.take({ session, subscription, messages: 1, leaseMs: Infinity, settle })
  replyWhen(
    connection,
    channel,
    taken.then((outcome) => [outcome]),
    ([deliveries]) => {
      const delivery = deliveries?.[0]
      if (delivery === undefined) {
        link.method(channel.number, 'basic.get-empty', { clusterId: '' })
        return
      }
      deliverTaken(link, channel, delivery, {
        queue: queue.name,
        noAck: args.noAck,
        countsDeliveries: countsDeliveries ?? false,
        messageCount: broker.get(subscription) === undefined ? 0 : broker.stats(subscription).ready,
      })
    },
  )
}
