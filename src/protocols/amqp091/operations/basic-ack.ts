import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'
import { refuse } from '../errors.ts'

/** basic.ack, reject and nack: what happens to one delivery, or to all up to it. */
export type Answer = 'done' | 'requeue' | 'reject'

const verdicts = {
  done: { do: 'done' },
  requeue: { do: 'release' },
  reject: { do: 'reject', reason: 'rejected' },
} as const

export function settle(connection: Connection, channel: Channel, tag: number, multiple: boolean, answer: Answer): void {
  if (connection.settle(channel, tag, multiple, verdicts[answer])) return
  refuse('PRECONDITION_FAILED', `unknown delivery tag ${tag}`)
}
