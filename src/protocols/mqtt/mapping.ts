import { encodeProperties as encodeEnvelope, keyHeader, propertiesOf, valueText } from '../../core/index.ts'
import type { Header, Properties as Message, ReplyTo } from '../../core/index.ts'
import type { RecordTable } from '../../log/index.ts'
import { levelsOfTopic, logOfTopic, topicOf, topicOfLog } from './names.ts'
import { noProperties, textBytesMax } from './wire/index.ts'
import type { Properties, Qos } from './wire/index.ts'

/**
 * A publish's properties in the form all protocols share, and back; docs/crossing.md is the table with the losses.
 * The record's key stands as the user property `x-key`; properties that MQTT lacks stand as user properties of the
 * names below.
 */
const userPropertyNames = {
  'message-id': 'messageId',
  'content-encoding': 'contentEncoding',
  type: 'type',
  'user-id': 'user',
  'app-id': 'app',
  priority: 'priority',
} as const satisfies Record<string, keyof Message>
const takenNames = [keyHeader, ...Object.keys(userPropertyNames)]

type Pair = [string, string]
type TextProperty = (typeof userPropertyNames)[keyof typeof userPropertyNames]

/** What becomes of one PUBLISH: the record's key and its envelope. */
export interface RecordParts {
  key: Buffer | null
  envelope: Buffer | null
}

// Most publishes say no more than their QoS and RETAIN: six envelopes serve them all.
const plainParts: readonly RecordParts[] = [0, 1, 2, 3, 4, 5].map((i) => ({
  key: null,
  envelope: encodeEnvelope(flagsOf((i >> 1) as Qos, (i & 1) === 1)),
}))

export function recordParts(properties: Properties, qos: Qos, retain: boolean): RecordParts {
  for (const name in properties) {
    if (name !== 'topicAlias') return fullParts(properties, qos, retain)
  }
  return plainParts[qos * 2 + (retain ? 1 : 0)]!
}

function flagsOf(qos: Qos, retain: boolean): Message {
  return retain ? { qos, retain } : { qos }
}

function fullParts(p: Properties, qos: Qos, retain: boolean): RecordParts {
  const message = flagsOf(qos, retain)
  let key: Buffer | null = null
  if (p.payloadFormatIndicator !== undefined) message.utf8 = p.payloadFormatIndicator === 1
  if (p.messageExpiryInterval !== undefined) message.timeToLiveMs = p.messageExpiryInterval * 1000
  if (p.contentType !== undefined) message.contentType = p.contentType
  if (p.correlationData !== undefined) message.correlationId = p.correlationData
  if (p.responseTopic !== undefined) message.replyTo = replyToOf(p.responseTopic)
  const headers: Header[] = []
  const taken = new Map<string, number>()
  p.userProperties?.forEach(([name, value], place) => {
    if (name === keyHeader && key === null) key = Buffer.from(value)
    else if (!takeUserProperty(message, name, value)) {
      headers.push({ name, value: { type: 'utf8', value } })
      return
    }
    taken.set(name, place)
  })
  if (headers.length > 0) message.headers = headers
  const places = takenNames.flatMap((name) => taken.get(name) ?? [])
  if (places.some((place, i) => place !== i)) message.places = places
  return { key, envelope: encodeEnvelope(message) }
}

function replyToOf(topic: string): ReplyTo {
  const log = logOfTopic(topic)
  return log === undefined ? { kind: 'address', name: levelsOfTopic(topic) } : { kind: 'log', name: log }
}

/** A user property of a known name is that property, if its value fits and it is the first. */
function takeUserProperty(message: Message, name: string, value: string): boolean {
  const property = Object.hasOwn(userPropertyNames, name)
    ? userPropertyNames[name as keyof typeof userPropertyNames]
    : undefined
  if (property === undefined || message[property] !== undefined) return false
  if (property !== 'priority') message[property] = value
  else if (/^(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/.test(value)) message.priority = Number(value)
  else return false
  return true
}

/** How a record looks to MQTT: what a PUBLISH needs to know of it besides topic and payload. */
export interface Outgoing {
  qos: Qos
  retain: boolean
  properties: Properties
  /** Message Expiry Interval as it was published; what is left of it is the sender's to say. */
  expirySeconds: number | undefined
}

/** The plain envelopes read back: most messages of MQTT clients are these. */
const plainOutgoing: readonly { envelope: Buffer; outgoing: Outgoing }[] = plainParts.map(({ envelope }, i) => ({
  envelope: envelope!,
  outgoing: { qos: (i >> 1) as Qos, retain: (i & 1) === 1, properties: noProperties, expirySeconds: undefined },
}))

/** A record without a QoS, of another protocol, counts as QoS 2: each subscriber gets what it asked for. */
export function outgoing(table: RecordTable, i: number, foreign: boolean): Outgoing {
  if (foreign && table.key(i) === null) {
    for (const plain of plainOutgoing) if (table.hasEnvelope(i, plain.envelope)) return plain.outgoing
  }
  return fullOutgoing(table, i, foreign)
}

function fullOutgoing(table: RecordTable, i: number, foreign: boolean): Outgoing {
  const message = propertiesOf(table, i, foreign)
  const key = table.key(i)
  const p: Properties = {}
  if (message.utf8 !== undefined) p.payloadFormatIndicator = message.utf8 ? 1 : 0
  if (message.contentType !== undefined && !unsayable(message.contentType)) p.contentType = message.contentType
  const { correlationId } = message
  if (correlationId !== undefined && correlationId.length <= textBytesMax) p.correlationData = correlationId
  const responseTopic = message.replyTo === undefined ? undefined : responseTopicOf(message.replyTo)
  if (responseTopic !== undefined) p.responseTopic = responseTopic
  const known: Pair[] = []
  if (key !== null) addPair(known, keyHeader, textOf(key))
  for (const [name, property] of Object.entries(userPropertyNames) as [string, TextProperty][]) {
    if (message[property] !== undefined) addPair(known, name, String(message[property]))
  }
  const others: Pair[] = []
  for (const { name, value } of message.headers ?? []) {
    addPair(others, name, value.type === 'bytes' ? textOf(value.value) : valueText(value))
  }
  const pairs = inPlace(known, others, message.places)
  if (pairs.length > 0) p.userProperties = pairs
  return {
    qos: Math.min(2, message.qos ?? 2) as Qos,
    retain: message.retain === true,
    properties: p,
    expirySeconds: message.timeToLiveMs === undefined ? undefined : Math.ceil(message.timeToLiveMs / 1000),
  }
}

function responseTopicOf(reply: ReplyTo): string | undefined {
  if (reply.kind === 'address') return topicOf(reply.name)?.toString('utf8')
  const topic = topicOfLog(reply.name)
  // MQTT-3.3.2-14: no wildcards
  return unsayable(topic) || /[+#]/.test(topic) ? undefined : topic
}

/** Text of bytes, or undefined where they are not UTF-8: MQTT has no other headers, so those are lost. */
function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}

/** MQTT-3.3.2-18: as the publisher had them. */
function inPlace(known: readonly Pair[], others: readonly Pair[], places: readonly number[] | undefined): Pair[] {
  if (places?.length !== known.length) return [...known, ...others]
  const pairs = [...others]
  const placed = known.map((pair, i) => ({ pair, place: places[i]! }))
  for (const { pair, place } of placed.sort((a, b) => a.place - b.place)) pairs.splice(place, 0, pair)
  return pairs
}

function addPair(pairs: Pair[], name: string, value: string | undefined): void {
  if (value === undefined || unsayable(name) || unsayable(value)) return
  pairs.push([name, value])
}

/** MQTT-1.5.4-2, and the two byte length: such a text cannot be sent at all. Other protocols have longer ones. */
function unsayable(text: string): boolean {
  return text.includes('\0') || text.length > textBytesMax || Buffer.byteLength(text) > textBytesMax
}
