import type { Delivery } from '../../../core/index.ts'
import type { Connection } from '../connection.ts'
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
      if (!channel.open && !args.noAck) {
        giveBack(connection, delivery)
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

/** The channel was closed meanwhile: nobody has seen it. */
function giveBack(connection: Connection, { batch, first, subscription, attempt }: Delivery): void {
  const offset = batch.baseOffset + batch.table.offsetDelta(first)
  const range = { subscription, partition: batch.partition, first: offset, last: offset, attempt, consumer: null }
  connection.settled(range, { do: 'release', count: false })
  connection.publisher.flush()
}
