import type { Args } from '../wire/index.ts'
import { replyWhen, type ChannelOperation } from './reply.ts'

/** What the consumer holds stays with the client, to be acknowledged still. An unknown tag is cancelled already. */
export const basicCancel: ChannelOperation<Args<'basic.cancel'>> = (connection, channel, args) => {
  const { link, consumers } = connection
  const { consumerTag } = args
  const consumer = channel.consumers.get(consumerTag)
  channel.consumers.delete(consumerTag)
  let done: Promise<unknown> = link.broker.settled() // When that fails the whole connection ends.
  if (consumer !== undefined) {
    done = consumers.cancel(consumer)
  } else if (channel.replyConsumer?.tag === consumerTag) {
    done = consumers.endReplies(channel)
  }
  replyWhen(
    connection,
    channel,
    done.then(() => []),
    () => {
      if (!args.nowait) link.method(channel.number, 'basic.cancel-ok', { consumerTag })
    },
  )
}
