import { refuse } from '../errors.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, type ChannelOperation } from './reply.ts'

/** Not global: for each consumer that is started later. Global: for all of the channel together, now and later. */
export const basicQos: ChannelOperation<Args<'basic.qos'>> = (connection, channel, args) => {
  if (args.prefetchSize !== 0) refuse('NOT_IMPLEMENTED', `prefetch_size!=0 (${args.prefetchSize})`)
  if (args.global) connection.consumers.limit(channel, args.prefetchCount)
  else channel.prefetch = args.prefetchCount
  replySettled(connection, channel, () => connection.link.method(channel.number, 'basic.qos-ok', {}))
}
