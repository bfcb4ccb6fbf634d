import { refuse } from '../errors.ts'
import { Transaction } from '../transaction.ts'
import type { ChannelOperation } from './reply.ts'

export const txSelect: ChannelOperation<unknown> = ({ link }, channel) => {
  if (channel.nextPublish > 0) refuse('PRECONDITION_FAILED', 'cannot switch from confirm to tx mode')
  channel.transaction ??= new Transaction(link)
  link.outbox.push(() => {
    if (!channel.muted) link.method(channel.number, 'tx.select-ok', {})
  })
}
