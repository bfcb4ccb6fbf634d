import { Reader } from '../../base/index.ts'
import { encodeProperties, levelOfUtf8, type Header } from '../../core/index.ts'
import type { PublishFacts } from './content.ts'
import { refuse } from './errors.ts'
import { directReplyTo } from './names.ts'
import { toProperties } from './properties.ts'
import { argument, integerOf, typeName } from './topology/arguments.ts'
import { readProperties, type BasicProperties } from './wire/index.ts'

/**
 * Reads what is behind the body size in a content header, and refuses what RabbitMQ refuses. `replyName`: what the
 * channel's direct reply-to stands for.
 */
export function readPublishFacts(raw: Buffer, user: string, replyName: string | undefined): PublishFacts {
  const properties = readProperties(new Reader(raw))
  if (properties.replyTo === directReplyTo) {
    properties.replyTo = replyName ?? refuse('PRECONDITION_FAILED', 'fast reply consumer does not exist')
  }
  const timeToLiveMs = expiration(properties.expiration)
  if (properties.userId !== undefined && properties.userId !== user) {
    refuse('PRECONDITION_FAILED', `user_id property set to '${properties.userId}' but authenticated user was '${user}'`)
  }
  const { properties: shared, key } = toProperties(properties)
  return {
    properties,
    envelope: encodeProperties(shared),
    key,
    timestamp: shared.timestamp,
    priority: properties.priority,
    timeToLiveMs,
    delayMs: delay(properties),
    copies: copies(properties),
  }
}

/** The lifetime is a number of milliseconds, written out. */
function expiration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const digits = /^\d+/.exec(text)?.[0].length ?? 0
  const leftover = digits > 0 ? `{leftover_string,"${text.slice(digits)}"}` : 'no_integer'
  const why = /^-\d+$/.test(text) ? `{value_negative,${text}}` : leftover
  return refuse('PRECONDITION_FAILED', `invalid expiration '${text}': ${why}`)
}

function delay({ headers }: BasicProperties): number | undefined {
  const ms = headers === undefined ? undefined : integerOf(argument(headers, 'x-delay'))
  return ms === undefined || ms <= 0 ? undefined : ms
}

const noCopies: readonly string[] = []

function copies({ headers }: BasicProperties): readonly string[] {
  if (headers === undefined) return noCopies
  let keys: string[] | undefined
  for (const header of headers) if (header.name === 'CC' || header.name === 'BCC') (keys ??= []).push(...keysOf(header))
  return keys ?? noCopies
}

function keysOf({ name, value }: Header): string[] {
  if (value.type !== 'list') {
    refuse('PRECONDITION_FAILED', `invalid message: {unacceptable_type_in_header,"${name}",${typeName(value)}}`)
  }
  return value.value.map((item) => {
    if (item.type === 'utf8') return levelOfUtf8(item.value)
    if (item.type === 'bytes') return item.value.toString('latin1')
    return refuse('PRECONDITION_FAILED', `invalid message: {unacceptable_type_in_header,"${name}",${typeName(item)}}`)
  })
}
