import { requireQueue, subscriptionOf } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replyWhen, type ChannelOperation } from './reply.ts'

/** Only what is ready goes; unsettled messages stay. */
export const queuePurge: ChannelOperation<Args<'queue.purge'>> = (connection, channel, args) => {
  const { link } = connection
  const subscription = subscriptionOf(link, requireQueue(channel, args.queue))
  const { session, epoch } = link
  const purged = link.broker.commit([{ op: 'remove', what: { subscription } }], { session, epoch })
  replyWhen(connection, channel, purged, ([ok]) => {
    const messageCount = ok?.op === 'remove' ? ok.records : 0
    if (!args.nowait) link.method(channel.number, 'queue.purge-ok', { messageCount })
  })
}
