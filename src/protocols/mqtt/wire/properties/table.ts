/** The packets (and the will inside CONNECT) that carry properties, as bits. */
export const In = {
  connect: 1,
  will: 2,
  connack: 4,
  publish: 8,
  ack: 16,
  subscribe: 32,
  suback: 64,
  unsubscribe: 128,
  disconnect: 256,
  auth: 512,
} as const

const everyAck = In.ack | In.suback
const anywhere =
  In.connect | In.will | In.connack | In.publish | everyAck | In.subscribe | In.unsubscribe | In.disconnect | In.auth

/**
 * All properties of MQTT 5 (section 2.2.2.2): identifier, name, type, the packets that may carry them, whether they
 * repeat, and their smallest and largest value. `In.ack` is PUBACK to PUBCOMP, `In.suback` is SUBACK and UNSUBACK.
 */
export const properties = [
  { id: 0x01, name: 'payloadFormatIndicator', type: 'u8', in: In.publish | In.will, max: 1 },
  { id: 0x02, name: 'messageExpiryInterval', type: 'u32', in: In.publish | In.will },
  { id: 0x03, name: 'contentType', type: 'text', in: In.publish | In.will },
  { id: 0x08, name: 'responseTopic', type: 'text', in: In.publish | In.will },
  { id: 0x09, name: 'correlationData', type: 'binary', in: In.publish | In.will },
  { id: 0x0b, name: 'subscriptionIdentifiers', type: 'varint', in: In.publish | In.subscribe, min: 1, repeats: 'list' },
  { id: 0x11, name: 'sessionExpiryInterval', type: 'u32', in: In.connect | In.connack | In.disconnect },
  { id: 0x12, name: 'assignedClientIdentifier', type: 'text', in: In.connack },
  { id: 0x13, name: 'serverKeepAlive', type: 'u16', in: In.connack },
  { id: 0x15, name: 'authenticationMethod', type: 'text', in: In.connect | In.connack | In.auth },
  { id: 0x16, name: 'authenticationData', type: 'binary', in: In.connect | In.connack | In.auth },
  { id: 0x17, name: 'requestProblemInformation', type: 'u8', in: In.connect, max: 1 },
  { id: 0x18, name: 'willDelayInterval', type: 'u32', in: In.will },
  { id: 0x19, name: 'requestResponseInformation', type: 'u8', in: In.connect, max: 1 },
  { id: 0x1a, name: 'responseInformation', type: 'text', in: In.connack },
  { id: 0x1c, name: 'serverReference', type: 'text', in: In.connack | In.disconnect },
  { id: 0x1f, name: 'reasonString', type: 'text', in: In.connack | everyAck | In.disconnect | In.auth },
  { id: 0x21, name: 'receiveMaximum', type: 'u16', in: In.connect | In.connack, min: 1 },
  { id: 0x22, name: 'topicAliasMaximum', type: 'u16', in: In.connect | In.connack },
  { id: 0x23, name: 'topicAlias', type: 'u16', in: In.publish },
  { id: 0x24, name: 'maximumQos', type: 'u8', in: In.connack, max: 1 },
  { id: 0x25, name: 'retainAvailable', type: 'u8', in: In.connack, max: 1 },
  { id: 0x26, name: 'userProperties', type: 'pair', in: anywhere, repeats: 'list' },
  { id: 0x27, name: 'maximumPacketSize', type: 'u32', in: In.connect | In.connack, min: 1 },
  { id: 0x28, name: 'wildcardSubscriptionAvailable', type: 'u8', in: In.connack, max: 1 },
  { id: 0x29, name: 'subscriptionIdentifierAvailable', type: 'u8', in: In.connack, max: 1 },
  { id: 0x2a, name: 'sharedSubscriptionAvailable', type: 'u8', in: In.connack, max: 1 },
] as const satisfies readonly PropertyRow[]

export interface PropertyRow {
  id: number
  name: string
  type: 'u8' | 'u16' | 'u32' | 'varint' | 'text' | 'binary' | 'pair'
  in: number
  min?: number
  max?: number
  repeats?: 'list'
}

interface ValueOf {
  u8: number
  u16: number
  u32: number
  varint: number
  text: string
  binary: Buffer
  pair: [name: string, value: string]
}

type Row = (typeof properties)[number]
type ValueIn<R extends Row> = R extends { repeats: 'list' } ? ValueOf[R['type']][] : ValueOf[R['type']]

/** The properties of one packet, by the names of the table; what is absent was not sent. */
export type Properties = { -readonly [R in Row as R['name']]?: ValueIn<R> }

export type PropertyName = Row['name']

export const rowByName = Object.fromEntries(properties.map((row) => [row.name, row])) as Record<
  PropertyName,
  PropertyRow
>

/** Rows by identifier; every identifier is one byte. */
export const rowById: readonly (PropertyRow | undefined)[] = Array.from({ length: 0x80 }, (_, id) =>
  properties.find((row) => row.id === id),
)
