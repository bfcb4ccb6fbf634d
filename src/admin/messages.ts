import { propertiesOf, replyToText, valueText, type DeliveredBatch } from '../core/index.ts'
import { nameText } from './names.ts'
import type { MessageAnswer } from './types.ts'

/** JSON makes six characters of some bytes, and a string has an end. */
const valueBytesMax = 1024 * 1024

/** Record `index` of a batch, as JSON says it; of a value at most so many bytes. */
export function messageOf(batch: DeliveredBatch, index: number, bytesMax = valueBytesMax): MessageAnswer {
  const properties = propertiesOf(batch.table, index, batch.foreign)
  const { contentType, correlationId, replyTo, messageId, headers = [] } = properties
  const stored = batch.baseOffset >= 0
  return {
    address: batch.address === null ? null : nameText(batch.address.levels),
    time: batch.appendTime,
    key: batch.table.key(index)?.toString() ?? null,
    ...bodyOf(batch.table.value(index), Math.min(bytesMax, valueBytesMax)),
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

function bodyOf(body: Buffer | null, bytesMax: number): Pick<MessageAnswer, 'value' | 'encoding' | 'bytes'> {
  if (body === null) return { value: '', encoding: 'utf8' }
  if (body.length <= bytesMax) return textOf(body, strictUtf8, false)
  // The cut may lie within a character: what has only begun is left out.
  return { ...textOf(body.subarray(0, bytesMax), new TextDecoder('utf-8', { fatal: true }), true), bytes: body.length }
}

function textOf(
  body: Buffer,
  decoder: InstanceType<typeof TextDecoder>,
  cut: boolean,
): Pick<MessageAnswer, 'value' | 'encoding'> {
  try {
    return { value: decoder.decode(body, { stream: cut }), encoding: 'utf8' }
  } catch {
    return { value: body.toString('base64'), encoding: 'base64' }
  }
}
