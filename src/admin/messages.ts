import { propertiesOf, replyToText, valueText, type DeliveredBatch } from '../core/index.ts'
import { nameText } from './names.ts'
import type { MessageAnswer } from './types.ts'

/** Record `index` of a batch, as JSON says it. */
export function messageOf(batch: DeliveredBatch, index: number): MessageAnswer {
  const properties = propertiesOf(batch.table, index, batch.foreign)
  const { contentType, correlationId, replyTo, messageId, headers = [] } = properties
  const stored = batch.baseOffset >= 0
  return {
    address: batch.address === null ? null : nameText(batch.address.levels),
    time: batch.appendTime,
    key: batch.table.key(index)?.toString() ?? null,
    ...bodyOf(batch.table.value(index)),
    headers: headers.map(({ name, value }) => ({ name, value: valueText(value) })),
    ...(contentType === undefined ? {} : { contentType }),
    ...(correlationId === undefined ? {} : { correlationId: correlationId.toString() }),
    ...(replyTo === undefined ? {} : { replyTo: replyToText(replyTo) }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(batch.retained ? { retained: true as const } : {}),
    ...(stored ? { partition: batch.partition, offset: batch.baseOffset + batch.table.offsetDelta(index) } : {}),
    ...(batch.history.length === 0 ? {} : { history: historyOf(batch) }),
  }
}

function historyOf({ history }: DeliveredBatch): NonNullable<MessageAnswer['history']> {
  return history.map(({ log, reason, count, time }) => ({ log: nameText(log), reason, count, time }))
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

function bodyOf(body: Buffer | null): { value: string; encoding: 'utf8' | 'base64' } {
  if (body === null) return { value: '', encoding: 'utf8' }
  try {
    return { value: strictUtf8.decode(body), encoding: 'utf8' }
  } catch {
    return { value: body.toString('base64'), encoding: 'base64' }
  }
}
