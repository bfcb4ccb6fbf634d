import { failed } from '../../../base/index.ts'
import type { Verdict } from '../../../core/index.ts'
import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import { refuse } from '../errors.ts'
import type { SettledRange } from '../unsettled.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

/** All publishes and acknowledgements since the last commit become one commit of the core's, all or none. */
export const txCommit: ChannelOperation<unknown> = (connection, channel) => {
  if (channel.transaction === null) refuse('PRECONDITION_FAILED', 'channel is not transactional')
  const { publisher, link } = connection
  const { publishes, answers } = channel.transaction.end()
  const settled: SettledRange[] = []
  for (const { route, facts, body } of publishes) publisher.add(channel, route, facts, body)
  for (const { tag, multiple, verdict } of answers) settle(connection, channel, tag, multiple, verdict, settled)
  const committed = publisher.commit(true)
  const commitOk = (): void => {
    if (channel.open) link.method(channel.number, 'tx.commit-ok', {})
  }
  if (committed === null) return replySettled(connection, channel, commitOk)
  // Behind the answers to the publishes: returns go out before, and a failure has closed the channel.
  replyWhen(
    connection,
    channel,
    committed.then((results) => {
      if (results.some(failed)) release(connection, settled)
      return results
    }),
    commitOk,
  )
}

function settle(
  connection: Connection,
  channel: Channel,
  tag: number,
  multiple: boolean,
  verdict: Verdict,
  settled: SettledRange[],
): void {
  const take = (range: SettledRange): void => {
    // Its queue was deleted: nobody has it any more, and the rest of the transaction is none the worse.
    if (connection.link.broker.get(range.subscription) === undefined) return connection.answered(range)
    settled.push(range)
    connection.settled(range, verdict)
  }
  if (multiple) channel.unsettled.settleThrough(tag, take)
  else channel.unsettled.settle(tag, take)
}

/** The channel ends, and no longer knows of them: they go back as all that it holds does. */
function release(connection: Connection, settled: readonly SettledRange[]): void {
  for (const range of settled) connection.publisher.settled(range, { do: 'release' })
  connection.publisher.flush()
}
