import { assert, failed, type Failure, type Outcome } from '../base/index.ts'
import { encodeProperties, propertiesOf } from '../core/index.ts'
import type { AppendOp, Broker, DeadLetter, Delivery, Entry, Id, LogSpec, Opened, SettleOp } from '../core/index.ts'
import { BatchBuilder } from '../log/index.ts'
import { subscriptionsOf } from './listings.ts'
import { messageOf } from './messages.ts'
import { matches, nameText, parseName } from './names.ts'
import { inSession } from './namespace.ts'
import type { DeadLetterAnswer, MessageAnswer, RedriveAnswer } from './types.ts'

const messagesAtOnce = 500
/** What a listing shows of all values together. */
const shownBytesMax = 16 * 1024 * 1024

/** Every queue that some subscription's dead letters go to. */
export function deadLetterQueues(broker: Broker, namespace: Id): DeadLetterAnswer[] {
  const sources = new Map<Id, Set<string>>()
  for (const { entry, log } of subscriptionsOf(broker, namespace)) {
    const target = entry.spec.policy?.deadLetter
    if (target === undefined) continue
    for (const id of targetsOf(broker, namespace, target, log)) {
      const known = sources.get(id) ?? new Set()
      sources.set(id, known.add(nameText(log.spec.name)))
    }
  }
  return [...sources].flatMap(([id, names]) => {
    const log = broker.get(id) as Entry<LogSpec> | undefined
    if (log === undefined) return []
    const queue = broker.findSubscription(id, '', 'leased')
    const ready = queue === undefined ? 0 : broker.stats(queue.id).ready
    return [{ queue: nameText(log.spec.name), ready, sources: [...names].sort() }]
  })
}

/** The logs that a dead letter of `source` would be stored in. */
function targetsOf(broker: Broker, namespace: Id, target: DeadLetter, source: Entry<LogSpec>): Id[] {
  if (target.to === 'log') {
    const log = broker.findLog(namespace, target.name ?? source.spec.name)
    return log === undefined ? [] : [log.id]
  }
  const space = broker.findSpace(namespace, target.space)
  if (space === undefined) return []
  const levels = target.levels ?? source.spec.name
  return broker.routes(space.id).flatMap(({ spec }) => {
    return spec.space === space.id && 'log' in spec.target && matches(spec.pattern.levels, levels)
      ? [spec.target.log]
      : []
  })
}

export async function deadLetters(
  broker: Broker,
  namespace: Id,
  queue: string,
  limit: number,
): Promise<Outcome<MessageAnswer[]>> {
  const subscription = queueOf(broker, namespace, queue)
  if (failed(subscription)) return subscription
  const deliveries = await broker.peek(subscription.ok, limit)
  return {
    ok: deliveries.flatMap(({ batch, first, count }) =>
      range(first, count).map((index) => messageOf(batch, index, shownBytesMax / limit)),
    ),
  }
}

function queueOf(broker: Broker, namespace: Id, queue: string): Outcome<Id> {
  const log = broker.findLog(namespace, parseName(queue))
  const subscription = log === undefined ? undefined : broker.findSubscription(log.id, '', 'leased')
  if (subscription !== undefined) return { ok: subscription.id }
  return { error: 'notFound', detail: `there is no queue ${queue}; dragoman queues lists them` }
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index)

/** Sends dead letters back to the log they were in before; each moves in one atomic commit, or stays. */
export function redrive(broker: Broker, namespace: Id, queue: string, limit: number): Promise<Outcome<RedriveAnswer>> {
  return inSession(broker, namespace, async (opened) => {
    const subscription = queueOf(broker, namespace, queue)
    if (failed(subscription)) return subscription
    const answer: RedriveAnswer = { moved: 0, left: [] }
    let remaining = limit
    while (remaining > 0) {
      const messages = Math.min(remaining, messagesAtOnce)
      const options = {
        session: opened.session,
        subscription: subscription.ok,
        messages,
        // Until the session ends: one that ran out would be given to others, and moved back all the same.
        leaseMs: Infinity,
        settle: 'byConsumer',
      } as const
      const taken = await broker.take(options)
      if (failed(taken)) return taken
      if (taken.ok.length === 0) break
      for (const delivery of taken.ok) {
        remaining -= delivery.count
        await moveBack(broker, namespace, delivery, opened, answer)
      }
    }
    // What could not be moved is still leased to this session; its end gives it back to its place.
    return { ok: answer }
  })
}

async function moveBack(
  broker: Broker,
  namespace: Id,
  delivery: Delivery,
  { session, epoch }: Opened,
  answer: RedriveAnswer,
): Promise<void> {
  const { batch, first, count, subscription, attempt } = delivery
  const source = batch.history[0]?.log
  const name = source === undefined ? '' : nameText(source)
  const fail = ({ detail }: Failure): void => void answer.left.push({ log: name, detail, count })
  if (source === undefined) return fail({ error: 'invalid', detail: 'it was never dead-lettered' })
  const log = broker.findLog(namespace, source)
  if (log === undefined) return fail({ error: 'notFound', detail: `the log ${name} is gone` })
  const offset = (index: number): number => batch.baseOffset + batch.table.offsetDelta(index)
  const span = { partition: batch.partition, first: offset(first), last: offset(first + count - 1), attempt }
  const append: AppendOp = { op: 'append', log: log.id, ...recordsOf(delivery) }
  const settle: SettleOp = { op: 'settle', subscription, ranges: [span], as: { do: 'done' } }
  const results = await broker.commit([append, settle], { session, epoch, atomic: true })
  const refused = results.find(failed)
  if (refused !== undefined) return fail(refused)
  assert(results.length === 2, 'one result for each op')
  const settled = results[1]!
  if ('ok' in settled && settled.ok.op === 'settle' && settled.ok.done < count) {
    return fail({ error: 'conflict', detail: 'somebody else has it now, and it is back where it came from, too' })
  }
  answer.moved += count
}

/** The records of a delivery as a batch of their own; a whole batch goes as it is. */
function recordsOf({ batch, first, count }: Delivery): { batch: Buffer; foreign: boolean; priority: number } {
  const { foreign, priority, table } = batch
  if (first === 0 && count === table.count) return { batch: batch.bytes, foreign, priority }
  const builder = new BatchBuilder()
  for (const index of range(first, count)) {
    const envelope = foreign ? table.envelope(index) : encodeProperties(propertiesOf(table, index, false))
    builder.add(table.timestamp(index), table.key(index), table.value(index), envelope)
  }
  return { batch: builder.finish(), foreign: true, priority }
}
