import { isUtf8 } from 'node:buffer'
import type { RecordTable } from '../log/index.ts'
import { decodeProperties, type Header, type Properties, type ReplyTo, type Value } from './message.ts'
import { plainNames } from './names.ts'

/**
 * Where a record that a Kafka producer made meets the form that all share (docs/crossing.md): these header names mean
 * the property, in both directions. Everything else stays a header.
 */
const wellKnown = {
  'content-type': 'contentType',
  'content-encoding': 'contentEncoding',
  'correlation-id': 'correlationId',
  'reply-to': 'replyTo',
  'message-id': 'messageId',
  type: 'type',
  'user-id': 'user',
  'app-id': 'app',
  priority: 'priority',
  'ttl-ms': 'timeToLiveMs',
} as const satisfies Record<string, keyof Properties>

type WellKnown = keyof typeof wellKnown

/**
 * The header that carries a record's key where a protocol has none (AMQP headers, MQTT user properties), in and out.
 */
export const keyHeader = 'x-key'

/** In a name where logs are the rule (AMQP reply-to and default exchange, Kafka's header): what follows is an address. */
export const addressPrefix = '$address.'

/** `replyTo` as text where log names are the rule: `jobs`, or `$address.resp.1`. */
export function replyToText(reply: ReplyTo): string {
  const name = Buffer.from(plainNames.encode(reply.name), 'latin1').toString('utf8')
  return reply.kind === 'log' ? name : addressPrefix + name
}

export function parseReplyTo(text: string): ReplyTo {
  const address = text.startsWith(addressPrefix)
  const name = Buffer.from(address ? text.slice(addressPrefix.length) : text, 'utf8').toString('latin1')
  return { kind: address ? 'address' : 'log', name: plainNames.decode(name) }
}

/** Properties of record `i`, whoever made it. */
export function propertiesOf(table: RecordTable, i: number, foreign: boolean): Properties {
  if (foreign) return decodeProperties(table.envelope(i))
  const timestamp = table.timestamp(i)
  const p: Properties = timestamp < 0 ? {} : { timestamp } // -1: the producer gave none
  for (const { key, value } of table.headers(i)) {
    const name = key.toString('utf8')
    if (value === null) (p.headers ??= []).push({ name, value: { type: 'null' } })
    else if (!Object.hasOwn(wellKnown, name) || !takeWellKnown(p, name as WellKnown, value)) {
      ;(p.headers ??= []).push({ name, value: textOrBytes(value) })
    }
  }
  return p
}

/** A log client's header has no type: what reads as text is text to the others. */
const textOrBytes = (value: Buffer): Value =>
  isUtf8(value) ? { type: 'utf8', value: value.toString('utf8') } : { type: 'bytes', value }

/** False when the value does not fit the property, or it was said before: then it stays a header. */
function takeWellKnown(p: Properties, name: WellKnown, bytes: Buffer): boolean {
  const property = wellKnown[name]
  if (p[property] !== undefined) return false
  switch (property) {
    case 'correlationId':
      p.correlationId = bytes
      return true
    case 'replyTo':
      p.replyTo = parseReplyTo(bytes.toString('utf8'))
      return true
    case 'priority':
    case 'timeToLiveMs': {
      const number = /^\d{1,15}$/.test(bytes.toString('latin1')) ? Number(bytes.toString('latin1')) : -1
      if (number < 0 || (property === 'priority' && number > 255)) return false
      p[property] = number
      return true
    }
    default:
      p[property] = bytes.toString('utf8')
      return true
  }
}

/** The headers with which a Kafka consumer sees what another protocol published. */
export function recordHeadersOf(p: Properties): { key: string; value: Buffer | null }[] {
  const headers: { key: string; value: Buffer | null }[] = []
  for (const [name, property] of Object.entries(wellKnown) as [WellKnown, (typeof wellKnown)[WellKnown]][]) {
    const value = p[property]
    if (value === undefined) continue
    if (Buffer.isBuffer(value)) headers.push({ key: name, value })
    else headers.push({ key: name, value: Buffer.from(typeof value === 'object' ? replyToText(value) : String(value)) })
  }
  for (const header of p.headers ?? []) headers.push({ key: header.name, value: headerBytes(header) })
  return headers
}

function headerBytes({ value }: Header): Buffer | null {
  return value.type === 'null' ? null : value.type === 'bytes' ? value.value : Buffer.from(valueText(value), 'utf8')
}

/** A typed value as text, where only text or bytes can be said: numbers in decimal, lists and maps as JSON. */
export function valueText(value: Value): string {
  switch (value.type) {
    case 'utf8':
      return value.value
    case 'bytes':
      return value.value.toString('utf8')
    case 'decimal':
      return decimalText(value)
    case 'list':
    case 'map':
      return JSON.stringify(plainValue(value))
    case 'null':
      return ''
    default:
      return String(value.value)
  }
}

function plainValue(value: Value): unknown {
  switch (value.type) {
    case 'null':
      return null
    case 'bool':
    case 'i8':
    case 'u8':
    case 'i16':
    case 'u16':
    case 'i32':
    case 'u32':
    case 'f32':
    case 'f64':
      return value.value
    case 'bytes':
      return value.value.toString('base64')
    case 'list':
      return value.value.map(plainValue)
    case 'map':
      return Object.fromEntries(value.value.map(({ name, value: inner }) => [name, plainValue(inner)]))
    default:
      return valueText(value)
  }
}

function decimalText({ scale, value }: { scale: number; value: number }): string {
  if (scale === 0) return String(value)
  const digits = String(Math.abs(value)).padStart(scale + 1, '0')
  return `${value < 0 ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
