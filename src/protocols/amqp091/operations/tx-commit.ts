import { refuse } from '../errors.ts'
import { replySettled, type ChannelOperation } from './reply.ts'

/** All publishes and acknowledgements since the last commit become one commit of the core's, all or none. */
export const txCommit: ChannelOperation<unknown> = (connection, channel) => {
  if (channel.transaction === null) refuse('PRECONDITION_FAILED', 'channel is not transactional')
  const { publisher, link } = connection
  const { publishes, answers } = channel.transaction.end()
  for (const { route, facts, body } of publishes) publisher.add(channel, route, facts, body)
  for (const { tag, multiple, verdict } of answers) connection.settle(channel, tag, multiple, verdict)
  publisher.flush(true)
  // Behind the answers to the publishes: returns go out before, and a failure has closed the channel.
  replySettled(connection, channel, () => {
    if (channel.open) link.method(channel.number, 'tx.commit-ok', {})
  })
}
