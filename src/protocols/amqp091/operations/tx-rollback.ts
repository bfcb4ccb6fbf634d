import { refuse } from '../errors.ts'
import type { ChannelOperation } from './reply.ts'

/** The publishes are forgotten, the acknowledged messages stay with the client, unacknowledged. */
export const txRollback: ChannelOperation<unknown> = ({ link }, channel) => {
  if (channel.transaction === null) refuse('PRECONDITION_FAILED', 'channel is not transactional')
  channel.transaction.end()
  link.outbox.push(() => {
    if (!channel.muted) link.method(channel.number, 'tx.rollback-ok', {})
  })
}
