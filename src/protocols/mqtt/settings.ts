import type { Group, Values } from '../../server/index.ts'

const kib = 1024
const mib = 1024 * kib

/** What an operator may set, under `protocols.mqtt`. */
export const mqttSettings = {
  packetBytesMax: {
    kind: 'bytes',
    default: 16 * mib,
    min: kib,
    max: 256 * mib,
    help: 'Largest packet taken from a client; MQTT 5 clients are told (Maximum Packet Size).',
  },
  cutBytesTotalMax: {
    kind: 'bytes',
    default: 256 * mib,
    min: kib,
    max: 65_536 * mib,
    help: 'Packets of all clients of a listener that have come in part; the client that passes it is closed.',
  },
  receiveMaximum: {
    kind: 'integer',
    default: 1024,
    min: 1,
    max: 65_535,
    help: 'QoS 1 and 2 messages that an MQTT 5 client may have unacknowledged at the broker.',
  },
  inFlightMax: {
    kind: 'integer',
    default: 1024,
    min: 1,
    max: 16_384,
    help: 'QoS 1 and 2 messages that the broker sends a client before the first is acknowledged.',
  },
  inFlightBytesMax: {
    kind: 'bytes',
    default: 4 * mib,
    min: kib,
    max: 1024 * mib,
    help: 'Bytes of stored messages on their way to a client; one message may be larger.',
  },
  topicAliasMaximum: {
    kind: 'integer',
    default: 64,
    min: 0,
    max: 65_535,
    help: 'Topic aliases in one direction of an MQTT 5 connection, whatever more the client may take.',
  },
  queuedMessagesMax: {
    kind: 'integer',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    help: 'Messages that wait in memory for a slow subscriber without a persistent session; further ones are dropped.',
  },
  queuedBytesMax: {
    kind: 'bytes',
    default: 16 * mib,
    min: kib,
    max: 1024 * mib,
    help: 'The same bound in bytes.',
  },
  subscriptionsMax: {
    kind: 'integer',
    default: 10_000,
    min: 1,
    max: 10_000_000,
    help: 'Subscriptions of one session; a further one is refused.',
  },
  subscriptionBytesMax: {
    kind: 'bytes',
    default: 4 * mib,
    min: 64 * kib,
    max: 1024 * mib,
    help: 'Their topic filters together: each may have 64 KiB.',
  },
  sessionMessagesMax: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: 'Messages stored for one persistent session; the oldest are dropped beyond it. 0: no limit.',
  },
  sessionExpirySecondsMax: {
    kind: 'integer',
    default: 0xffff_ffff,
    min: 1,
    max: 0xffff_ffff,
    help: 'Longest time a session outlives its connection, also without Clean Session in 3.1.1. 4294967295: for ever.',
  },
  keepAliveSecondsMax: {
    kind: 'integer',
    default: 65_535,
    min: 5,
    max: 65_535,
    help: 'Longest keep alive; a client that asks for more, or for none, is told this one (MQTT 5). 65535: as it asks.',
  },
} as const satisfies Group

export type MqttSettings = Values<typeof mqttSettings>
