/** Control packet types (MQTT 5 section 2.1.2); the upper four bits of a packet's first byte. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const

/** The four packets that only carry a packet identifier (and in MQTT 5 perhaps a reason). */
export type AckType = 4 | 5 | 6 | 7

/** Protocol levels as CONNECT names them: 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5. */
export type Version = 3 | 4 | 5

export type Qos = 0 | 1 | 2

/** The largest number a variable byte integer holds (section 1.5.5). */
export const variableIntMax = 268_435_455

/** Topics, filters and all other strings carry a two byte length (section 1.5.4). */
export const textBytesMax = 65_535

/** Filters of one packet, and repeated properties of one: each takes many times its bytes in memory. */
export const itemsMax = 10_000

/** Levels of a topic or a filter: 64 KiB of `/` would be 65,536 of them, each to be looked up. */
export const topicLevelsMax = 128
