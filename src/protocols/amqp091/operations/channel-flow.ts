import { refuse } from '../errors.ts'
import type { Args } from '../wire/index.ts'
import type { ChannelOperation } from './reply.ts'

/** Stopping deliveries by flow was given up for prefetch; RabbitMQ refuses it too. */
export const channelFlow: ChannelOperation<Args<'channel.flow'>> = ({ link }, channel, { active }) => {
  if (!active) refuse('NOT_IMPLEMENTED', 'active=false')
  link.outbox.push(() => link.method(channel.number, 'channel.flow-ok', { active }))
}
