import { failed, type Outcome } from '../../../base/index.ts'
import type { Delivery } from '../../../core/index.ts'
import type { Connection } from '../connection.ts'
import { requireQueue, subscriptionOf } from '../topology/queue-facts.ts'
import { canTake, deliverTaken, rangeOf } from '../deliverer.ts'
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
  /** The first that this client can be sent; those before it are in nobody's way any more. */
  const take = async (): Promise<[Outcome<Delivery[]>]> => {
    for (;;) {
      const outcome = await broker.take({ session, subscription, messages: 1, leaseMs: Infinity, settle })
      const delivery = failed(outcome) ? undefined : outcome.ok[0]
      if (delivery === undefined || canTake(link, delivery, countsDeliveries ?? false)) return [outcome]
      if (!args.noAck) connection.reject([rangeOf(delivery, delivery.first, null)])
    }
  }
  replyWhen(connection, channel, take(), ([deliveries]) => {
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
  })
}

/** The channel was closed meanwhile: nobody has seen it. */
function giveBack(connection: Connection, delivery: Delivery): void {
  connection.settled(rangeOf(delivery, delivery.first, null), { do: 'release', count: false })
  connection.publisher.flush()
}
