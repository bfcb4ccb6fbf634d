import { refuse } from '../errors.ts'
import type { Args } from '../wire/index.ts'
import type { ChannelOperation } from './reply.ts'

/** From now on publishes are numbered from 1, and each is answered when it is durable. */
export const confirmSelect: ChannelOperation<Args<'confirm.select'>> = ({ link }, channel, args) => {
  if (channel.transaction !== null) refuse('PRECONDITION_FAILED', 'cannot switch from tx to confirm mode')
  if (channel.nextPublish === 0) channel.nextPublish = 1
  link.outbox.push(() => {
    if (!args.nowait && !channel.muted) link.method(channel.number, 'confirm.select-ok', {})
  })
}
