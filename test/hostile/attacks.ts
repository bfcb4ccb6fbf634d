import { randomBytes } from 'node:crypto'
import {
  again,
  aliases,
  amqpHello,
  amqpLogin,
  apiVersions,
  bomb,
  emptyNames,
  heartbeats,
  httpPost,
  mqttConnect,
  nestedJson,
  nestedTable,
  pings,
  qosFlood,
  tinyPublishes,
  upgrade,
} from './bytes.ts'

export type Port = 'kafka' | 'amqp' | 'mqtt' | 'mqtt-ws' | 'http'

/** Said once: each must be answered with an error and a close, or with a close. */
export interface Blow {
  name: string
  port: Port
  bytes(): Buffer
  /** Our end is closed after it, as a client that died in the middle. */
  half?: true
}

const bytes = (...values: number[]): Buffer => Buffer.from(values)
const joined = (...parts: Buffer[]): Buffer => Buffer.concat(parts)
const half = (whole: Buffer): Buffer => whole.subarray(0, whole.length >> 1)

let clients = 0
const hello = (): Buffer => mqttConnect(++clients)

const ports: readonly Port[] = ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http']

export const blows: readonly Blow[] = [
  ...(['amqp', 'mqtt', 'mqtt-ws', 'http'] as const).map((port) => ({
    name: `random bytes, ${port}`,
    port,
    bytes: () => joined(bytes(0xff), randomBytes(3000)),
  })),
  { name: 'random bytes, kafka', port: 'kafka', bytes: () => joined(bytes(0x7f), randomBytes(3000)) },
  { name: 'cut in the middle, kafka', port: 'kafka', bytes: () => half(apiVersions), half: true },
  { name: 'cut in the middle, amqp', port: 'amqp', bytes: () => half(amqpLogin()), half: true },
  { name: 'cut in the middle, mqtt', port: 'mqtt', bytes: () => joined(hello(), bytes(0x30, 9, 0)), half: true },
  {
    name: 'cut in the middle, mqtt-ws',
    port: 'mqtt-ws',
    bytes: () => joined(upgrade('/mqtt'), bytes(0x82)),
    half: true,
  },
  { name: 'cut in the middle, http', port: 'http', bytes: () => Buffer.from(httpPost(1000)), half: true },
  { name: 'a length of 2 GiB, kafka', port: 'kafka', bytes: () => bytes(0x7f, 0xff, 0xff, 0xff) },
  { name: 'a length below zero, kafka', port: 'kafka', bytes: () => bytes(0xff, 0xff, 0xff, 0xff) },
  { name: 'ten million empty names, kafka', port: 'kafka', bytes: emptyNames },
  {
    name: 'a frame of 4 GiB, amqp',
    port: 'amqp',
    bytes: () => joined(amqpLogin(), bytes(1, 0, 1, 255, 255, 255, 255)),
  },
  { name: 'tables in tables, 16,000 deep, amqp', port: 'amqp', bytes: () => joined(amqpLogin(), nestedTable()) },
  {
    name: 'a length of five bytes, mqtt',
    port: 'mqtt',
    bytes: () => joined(hello(), bytes(0x30, 255, 255, 255, 255, 1)),
  },
  { name: 'a packet of 256 MiB, mqtt', port: 'mqtt', bytes: () => joined(hello(), bytes(0x30, 255, 255, 255, 127)) },
  {
    name: 'a WebSocket frame of 2^62 bytes',
    port: 'mqtt-ws',
    bytes: () => joined(upgrade('/mqtt'), bytes(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4), randomBytes(3000)),
  },
  { name: 'lists in lists, 4 million deep, http', port: 'http', bytes: nestedJson },
  {
    name: 'a header of 100 KB, http',
    port: 'http',
    bytes: () => Buffer.from(`GET /${'x'.repeat(100_000)} HTTP/1.1\r\n`),
  },
]

/** Connections that begin something and say no more than a byte now and then. */
export const dribbles: readonly { name: string; port: Port; begin(): Buffer; byte: number }[] = [
  ...ports.map((port) => ({ name: `nothing at all, ${port}`, port, begin: () => Buffer.alloc(0), byte: -1 })),
  { name: 'a login that never ends, amqp', port: 'amqp', begin: () => amqpHello, byte: -1 },
  { name: 'a frame header, byte by byte, amqp', port: 'amqp', begin: () => joined(amqpLogin(), bytes(1)), byte: 0 },
  {
    name: 'a request, byte by byte, kafka',
    port: 'kafka',
    begin: () => joined(apiVersions, bytes(0, 1, 0, 0, 0)),
    byte: 0,
  },
  { name: 'a first request, byte by byte, kafka', port: 'kafka', begin: () => bytes(0, 1, 0, 0, 0), byte: 0 },
  {
    name: 'a packet, byte by byte, mqtt',
    port: 'mqtt',
    begin: () => joined(hello(), bytes(0x30, 255, 255, 1)),
    byte: 0,
  },
  { name: 'a CONNECT, byte by byte, mqtt', port: 'mqtt', begin: () => bytes(0x10, 255, 255, 1), byte: 0 },
  {
    name: 'a packet, byte by byte, in a WebSocket frame of 64 MiB',
    port: 'mqtt-ws',
    begin: () =>
      joined(
        upgrade('/mqtt'),
        bytes(0x82, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0),
        hello(),
        bytes(0x30, 255, 255, 1),
      ),
    byte: 0,
  },
  { name: 'a WebSocket that says nothing', port: 'mqtt-ws', begin: () => upgrade('/mqtt'), byte: -1 },
  {
    name: 'a request header, byte by byte, http',
    port: 'http',
    begin: () => Buffer.from('GET / HTTP/1.1\r\nx: '),
    byte: 0x61,
  },
]

/** Repeated for as long as the attack goes on. */
export interface Flood {
  name: string
  port: Port
  connections: number
  /** Sent first, once. */
  begin(): Buffer
  /** Sent again and again; empty: connections are opened instead. */
  again: Buffer
  /** Of all connections together. */
  bytesPerSecond: number
  /** Answers are left in the socket. */
  deaf?: true
}

const mib = 1024 * 1024
const nothing = (): Buffer => Buffer.alloc(0)

export const floods: readonly Flood[] = [
  {
    name: 'PINGREQ, two million a second',
    port: 'mqtt',
    connections: 4,
    begin: hello,
    again: pings,
    bytesPerSecond: 4 * mib,
  },
  {
    name: 'PINGREQ without reading the answers',
    port: 'mqtt',
    connections: 4,
    begin: hello,
    again: pings,
    bytesPerSecond: 4 * mib,
    deaf: true,
  },
  {
    name: 'publishes of six bytes',
    port: 'mqtt',
    connections: 4,
    begin: hello,
    again: tinyPublishes,
    bytesPerSecond: mib,
  },
  { name: 'topic aliases of 60 KB', port: 'mqtt', connections: 2, begin: hello, again: aliases(), bytesPerSecond: mib },
  {
    name: 'heartbeats, a million a second',
    port: 'amqp',
    connections: 4,
    begin: amqpLogin,
    again: heartbeats,
    bytesPerSecond: 8 * mib,
  },
  { name: 'basic.qos', port: 'amqp', connections: 2, begin: amqpLogin, again: qosFlood(), bytesPerSecond: mib / 2 },
  {
    name: 'ApiVersions',
    port: 'kafka',
    connections: 4,
    begin: nothing,
    again: Buffer.concat(Array.from({ length: 500 }, () => apiVersions)),
    bytesPerSecond: mib / 4,
  },
  {
    name: 'one topic named 50,000 times',
    port: 'kafka',
    connections: 2,
    begin: nothing,
    again: again(),
    bytesPerSecond: mib,
  },
  {
    name: 'batches that expand a thousandfold',
    port: 'kafka',
    connections: 4,
    begin: nothing,
    again: bomb(),
    bytesPerSecond: mib,
  },
  {
    name: 'connections, opened and left',
    port: 'kafka',
    connections: 0,
    begin: nothing,
    again: Buffer.alloc(0),
    bytesPerSecond: 0,
  },
]
