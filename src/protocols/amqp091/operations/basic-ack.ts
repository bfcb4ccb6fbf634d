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
  const verdict = verdicts[answer]
  if (channel.transaction !== null) {
    const { transaction, unsettled } = channel
    const all = multiple && tag === 0
    if (!unsettled.waits(tag, multiple) || (!all && transaction.hasAnswer(tag))) unknownTag(tag)
    // 0 is all that there is now: what is delivered until the commit is not meant.
    const upTo = all ? channel.nextDeliveryTag - 1 : tag
    transaction.answer({ tag: upTo, multiple, verdict })
    return
  }
  if (!connection.settle(channel, tag, multiple, verdict)) unknownTag(tag)
}

function unknownTag(tag: number): never {
  refuse('PRECONDITION_FAILED', `unknown delivery tag ${tag}`)
}
