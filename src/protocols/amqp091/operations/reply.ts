import { failed, type Outcome } from '../../../base/index.ts'
import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import { protocolError } from '../errors.ts'

/** What all operations on channels look like. */
export type ChannelOperation<A> = (connection: Connection, channel: Channel, args: A) => void

/** Runs `reply` in its turn, when all outcomes are there and good; a bad one closes what it closes. */
export function replyWhen<T>(
  connection: Connection,
  channel: Channel,
  outcomes: Promise<readonly Outcome<T>[]>,
  reply: (values: readonly T[]) => void,
): void {
  const cause = connection.current
  const fail = (error: unknown): void => {
    if (channel.open) connection.fail(channel, error, cause)
  }
  connection.link.outbox.after(
    outcomes,
    (results) => {
      const bad = results.find(failed)
      if (bad !== undefined) fail(protocolError(bad))
      else if (!channel.muted) reply(results.map((result) => (result as { ok: T }).ok))
    },
    fail,
  )
}

/** Runs `reply` in its turn, when what the look-ups showed is durable. */
export function replySettled(connection: Connection, channel: Channel, reply: () => void): void {
  replyWhen(
    connection,
    channel,
    connection.link.broker.settled().then((outcome) => [outcome]),
    reply,
  )
}
