import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import { refuse } from '../errors.ts'
import { replySettled } from './reply.ts'

/** All that is unsettled on the channel goes back to its queues; `answer` false for recover-async. */
export function basicRecover(
  connection: Connection,
  channel: Channel,
  args: { requeue: boolean },
  answer = true,
): void {
  if (!args.requeue) refuse('NOT_IMPLEMENTED', 'requeue=false')
  channel.unsettled.settleAll((range) => connection.settled(range, { do: 'release' }))
  connection.publisher.flush()
  if (!answer) return
  replySettled(connection, channel, () => connection.link.method(channel.number, 'basic.recover-ok', {}))
}
