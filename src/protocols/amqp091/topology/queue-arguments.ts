import type { DeadLetter, DeliveryPolicy, Header, Value } from '../../../core/index.ts'
import { levelOfUtf8 } from '../../../core/index.ts'
import { refuse } from '../errors.ts'
import { limits } from '../limits.ts'
import { decodeName, spaceName } from '../names.ts'
import { argument, integerOf, textOf, typeName } from './arguments.ts'

/** What the arguments of queue.declare ask for. */
export interface QueueTerms {
  policy: DeliveryPolicy
  expiresMs: number | undefined
  /** Highest priority; 0 = none. */
  priorityMax: number
  type: 'classic' | 'quorum'
}

/** Arguments that a redeclaration must repeat. All others are taken and kept, and mean nothing. */
export const comparedArguments = [
  'x-message-ttl',
  'x-expires',
  'x-max-length',
  'x-max-length-bytes',
  'x-overflow',
  'x-dead-letter-exchange',
  'x-dead-letter-routing-key',
  'x-max-priority',
  'x-single-active-consumer',
  'x-delivery-limit',
  'x-queue-type',
] as const

/** Reads and checks; `of` names the queue for error texts. */
export function queueTerms(table: readonly Header[], of: string): QueueTerms {
  const invalid = (key: string, why: string): never =>
    refuse('PRECONDITION_FAILED', `invalid arg '${key}' for ${of}: ${why}`)
  const integer = (key: string, min: 0 | 1): number | undefined => {
    const value = argument(table, key)
    if (value === undefined) return undefined
    const number = integerOf(value)
    if (number === undefined) return invalid(key, `"expected integer, got ${typeName(value)}"`)
    if (number < 0) return invalid(key, `{value_negative,${number}}`)
    if (number < min) return invalid(key, `{value_zero,${number}}`)
    return number
  }
  const text = (key: string): string | undefined => {
    const value = argument(table, key)
    const string = textOf(value)
    if (value === undefined || string !== undefined) return string
    return refuse('PRECONDITION_FAILED', `invalid type '${typeName(value)}' for arg '${key}' in ${of}`)
  }
  const type = queueType(text('x-queue-type'), (why) => invalid('x-queue-type', why))
  const priorityMax = integer('x-max-priority', 0) ?? 0
  if (priorityMax > limits.priorityMax) invalid('x-max-priority', `{max_value_exceeded,${priorityMax}}`)
  const active = argument(table, 'x-single-active-consumer')
  if (active !== undefined && active.type !== 'bool') invalid('x-single-active-consumer', unacceptable(active))
  const attempts = argument(table, 'x-delivery-limit')
  const attemptsMax = integerOf(attempts)
  if (attempts !== undefined && attemptsMax === undefined) invalid('x-delivery-limit', unacceptable(attempts))
  const policy: DeliveryPolicy = {
    exhausted: 'deadLetter',
    ...given('ttlMs', integer('x-message-ttl', 0)),
    ...given('readyMax', integer('x-max-length', 0)),
    ...given('readyBytesMax', integer('x-max-length-bytes', 0)),
    ...given(
      'overflow',
      overflow(text('x-overflow'), (why) => invalid('x-overflow', why)),
    ),
    ...given('deadLetter', deadLetter(text('x-dead-letter-exchange'), text('x-dead-letter-routing-key'), invalid)),
    ...given('active', active?.type === 'bool' && active.value ? 'one' : undefined),
    ...given('attemptsMax', attemptsMax !== undefined && attemptsMax >= 0 ? attemptsMax + 1 : undefined),
  }
  return { policy, expiresMs: integer('x-expires', 1), priorityMax, type }
}

const unacceptable = (value: Value): string => `{unacceptable_type,${typeName(value)}}`

function given<K extends string, V>(key: K, value: V | undefined): { [k in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [k in K]: V })
}

function queueType(type: string | undefined, invalid: (why: string) => never): QueueTerms['type'] {
  if (type === undefined || type === 'classic') return 'classic'
  if (type === 'quorum') return 'quorum'
  return invalid(`"unsupported queue type '${type}'"`)
}

function overflow(how: string | undefined, invalid: (why: string) => never): DeliveryPolicy['overflow'] {
  switch (how) {
    case undefined:
      return undefined
    case 'drop-head':
      return 'dropOldest'
    case 'reject-publish':
      return 'refuse'
    case 'reject-publish-dlx':
      return 'refuseDeadLetter'
    default:
      return invalid('invalid_overflow')
  }
}

/** The default exchange leads to a log by name. Without a key a message keeps the one that it was published with. */
function deadLetter(
  exchange: string | undefined,
  key: string | undefined,
  invalid: (key: string, why: string) => never,
): DeadLetter | undefined {
  if (exchange === undefined) {
    return key === undefined ? undefined : invalid('x-dead-letter-routing-key', 'routing_key_but_no_dlx_defined')
  }
  const levels = key === undefined ? undefined : decodeName(levelOfUtf8(key))
  if (exchange === '') return { to: 'log', ...given('name', levels) }
  return { to: 'space', space: spaceName(levelOfUtf8(exchange)), ...given('levels', levels) }
}
