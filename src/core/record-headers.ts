/**
 * A record that a log client made (`foreign` false) has plain headers: names and bytes. This is how such a record is
 * read as a message with properties, and how a message's properties stand as plain headers when a log client reads
 * it. The names are those that log clients already use by convention (CloudEvents, request/reply libraries); the table
 * with all losses is docs/crossing.md.
 */
import type { RecordTable } from '../log/index.ts'
import { decodeProperties } from './message.ts'
import type { Header, Properties, Value } from './message.ts'
import { nameCodec } from './names.ts'

/** Where a property stands as a plain header. What is not here has no header: see docs/crossing.md. */
export const propertyHeaders = {
  messageId: 'message-id',
  correlationId: 'correlation-id',
  replyTo: 'reply-to',
  contentType: 'content-type',
  contentEncoding: 'content-encoding',
  type: 'message-type',
  user: 'user-id',
  app: 'app-id',
  priority: 'priority',
  timeToLiveMs: 'expiration',
} as const satisfies Partial<Record<keyof Properties, string>>

/** Names of logs as log clients write them: letters, digits, `_`, `-`; `.` separates; `_xHH` for any other byte. */
export const logNames = nameCodec({
  separator: '.',
  allowed: (char) => /[A-Za-z0-9_-]/.test(char),
  escape: '_x',
})

export interface RecordHeader {
  key: string
  value: Buffer | null
}

/** The properties of record `i`, whoever made it. Slices share the batch's memory. Throws `MalformedError`. */
export function recordProperties(batch: { foreign: boolean; table: RecordTable }, i: number): Properties {
  if (batch.foreign) return decodeProperties(batch.table.envelope(i))
  const properties: Properties = { timestamp: batch.table.timestamp(i) }
  const headers: Header[] = []
  for (const { key, value } of batch.table.headers(i)) {
    const name = key.toString('utf8')
    if (value !== null && takeProperty(properties, name, value)) continue
    headers.push({ name, value: value === null ? { type: 'null' } : { type: 'bytes', value } })
  }
  if (headers.length > 0) properties.headers = headers
  return properties
}

/** False: it is an ordinary header, or the property's second one, or does not read as the property's type. */
function takeProperty(p: Properties, name: string, value: Buffer): boolean {
  const property = propertyOf.get(name)
  if (property === undefined || p[property] !== undefined) return false
  switch (property) {
    case 'correlationId':
      p.correlationId = value
      return true
    case 'replyTo':
      p.replyTo = { kind: 'log', name: logNames.decode(value.toString('latin1')) }
      return true
    case 'priority':
    case 'timeToLiveMs': {
      const text = value.toString('latin1')
      if (!/^\d{1,10}$/.test(text) || (property === 'priority' && Number(text) > 255)) return false
      p[property] = Number(text)
      return true
    }
    default:
      p[property] = value.toString('utf8')
      return true
  }
}

type HeaderProperty = keyof typeof propertyHeaders
const propertyOf: ReadonlyMap<string, HeaderProperty> = new Map(
  Object.entries(propertyHeaders).map(([property, name]) => [name, property as HeaderProperty]),
)

/** A message's properties as plain headers: the named ones first, then its own headers in order, repeats kept. */
export function recordHeaders(p: Properties): RecordHeader[] {
  const out: RecordHeader[] = []
  const text = (property: HeaderProperty, value: string | undefined): void => {
    if (value !== undefined) out.push({ key: propertyHeaders[property], value: Buffer.from(value) })
  }
  text('messageId', p.messageId)
  if (p.correlationId !== undefined) out.push({ key: propertyHeaders.correlationId, value: p.correlationId })
  text('replyTo', p.replyTo && logNames.encode(p.replyTo.name))
  text('contentType', p.contentType)
  text('contentEncoding', p.contentEncoding)
  text('type', p.type)
  text('user', p.user)
  text('app', p.app)
  text('priority', p.priority?.toString())
  text('timeToLiveMs', p.timeToLiveMs?.toString())
  for (const { name, value } of p.headers ?? []) out.push({ key: name, value: plainValue(value) })
  return out
}

/** Numbers and booleans as text, lists and maps as JSON, bytes as they are. */
function plainValue(value: Value): Buffer | null {
  if (value.type === 'null') return null
  if (value.type === 'bytes') return value.value
  if (value.type === 'list' || value.type === 'map') return Buffer.from(JSON.stringify(jsonOf(value)))
  return Buffer.from(String(jsonOf(value)))
}

function jsonOf(value: Value): unknown {
  switch (value.type) {
    case 'null':
      return null
    case 'bytes':
      return value.value.toString('base64')
    case 'i64':
    case 'u64':
    case 'seconds':
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value.toString()
    case 'decimal':
      return value.value / 10 ** value.scale
    case 'list':
      return value.value.map(jsonOf)
    case 'map':
      return Object.fromEntries(value.value.map((one) => [one.name, jsonOf(one.value)]))
    default:
      return value.value
  }
}
