/** What attackers say, made with the product's own writers. */
import { gzipSync } from 'node:zlib'
import { crc32c } from '../../src/base/index.ts'
import { BatchBuilder, batchHeader } from '../../src/log/index.ts'
import { APIS, isFlexible, requestCodec } from '../../src/protocols/kafka/wire/apis.ts'
import type { Api, Table, WriteOf } from '../../src/protocols/kafka/wire/schema.ts'
import { SlicingWriter } from '../../src/protocols/kafka/wire/writer.ts'
import { FrameWriter, heartbeatFrame, writeMethod } from '../../src/protocols/amqp091/wire/index.ts'

const amqp = new FrameWriter()
const written = (): Buffer => Buffer.from(amqp.take())

export function kafkaRequest<Q extends Table>(api: Api<Q>, version: number, request: WriteOf<Q>): Buffer {
  const writer = new SlicingWriter()
  writer.i32(0)
  writer.i16(api.key)
  writer.i16(version)
  writer.i32(1)
  writer.i16(-1)
  if (isFlexible(api, version)) writer.uvarint(0)
  requestCodec(api, version).write(writer, request)
  writer.buffer.writeInt32BE(writer.total - 4, 0)
  return Buffer.concat(writer.chunks())
}

export const apiVersions = kafkaRequest(APIS.apiVersions, 0, {})

/** A Produce request of 64 KiB whose batch expands to 60 MB of zeros. */
export function bomb(): Buffer {
  const builder = new BatchBuilder()
  builder.add(1000, null, Buffer.alloc(60_000_000))
  const plain = builder.finish()
  const { batchHeaderBytes, crcStart, crcPosition } = batchHeader
  const batch = Buffer.concat([plain.subarray(0, batchHeaderBytes), gzipSync(plain.subarray(batchHeaderBytes))])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(1, 21)
  batch.writeUInt32BE(crc32c(batch.subarray(crcStart)), crcPosition)
  const partitionData = [{ index: 0, records: batch }]
  return kafkaRequest(APIS.produce, 7, { acks: 1, timeoutMs: 1000, topicData: [{ name: 'bombed', partitionData }] })
}

/** Metadata that names one topic 50,000 times. */
export function again(): Buffer {
  const topics = Array.from({ length: 50_000 }, () => ({ name: 'bombed' }))
  return kafkaRequest(APIS.metadata, 4, { topics, allowAutoTopicCreation: true })
}

/** 30 MB that say: ten million empty names. */
export function emptyNames(): Buffer {
  const head = kafkaRequest(APIS.metadata, 9, { topics: [] })
  const bytes = Buffer.concat([
    head.subarray(0, 15),
    Buffer.from([0x80, 0xad, 0xe2, 0x04]),
    Buffer.alloc(20_000_000, 1),
  ])
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}

const amqpHead = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')

/** A login, and channel 1. */
export function amqpLogin(): Buffer {
  const response = Buffer.from('\0guest\0guest')
  writeMethod(amqp, 0, 'connection.start-ok', { clientProperties: [], mechanism: 'PLAIN', response, locale: 'en_US' })
  writeMethod(amqp, 0, 'connection.tune-ok', { channelMax: 10, frameMax: 131_072, heartbeat: 0 })
  writeMethod(amqp, 0, 'connection.open', { virtualHost: '/', capabilities: '', insist: false })
  writeMethod(amqp, 1, 'channel.open', { outOfBand: '' })
  return Buffer.concat([amqpHead, written()])
}

export const amqpHello = amqpHead
export const heartbeats = Buffer.concat(Array.from({ length: 8000 }, () => heartbeatFrame))

export function qosFlood(): Buffer {
  for (let i = 0; i < 2000; i++) writeMethod(amqp, 1, 'basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false })
  return written()
}

/** Arguments that nest as deep as a frame of 128 KiB allows. */
export function nestedTable(): Buffer {
  const depth = 16_000
  const tables = Buffer.alloc(depth * 7)
  for (let i = 0; i < depth; i++) {
    tables.writeUInt32BE(tables.length - i * 7 - 4, i * 7)
    tables.write('\x01aF', i * 7 + 4, 'latin1')
  }
  const head = Buffer.from([0, 50, 0, 10, 0, 0, 1, 0x71, 0])
  const frame = Buffer.concat([Buffer.from([1, 0, 1, 0, 0, 0, 0]), head, tables, Buffer.from([0xce])])
  frame.writeUInt32BE(head.length + tables.length, 3)
  return frame
}

/** CONNECT of MQTT 5 for a client of this number. */
export function mqttConnect(client: number): Buffer {
  const id = `h${String(client).padStart(6, '0')}`
  return Buffer.from(`\x10\x14\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x07${id}`, 'latin1')
}

export const pings = Buffer.from('\xc0\x00'.repeat(32_000), 'latin1')

/** QoS 0 publishes to nobody, six bytes each. */
export const tinyPublishes = Buffer.from('0\x04\x00\x01a\x00'.repeat(10_000), 'latin1')

/** Two topics of 60 KB behind aliases, then thousands of packets of nine bytes that stand for them. */
export function aliases(): Buffer {
  const named = (alias: number, topic: string): Buffer => {
    const body = Buffer.concat([Buffer.from([topic.length >> 8, topic.length & 255]), Buffer.from(topic)])
    const rest = Buffer.concat([body, Buffer.from([3, 0x23, 0, alias])])
    const length = [(rest.length & 0x7f) | 0x80, ((rest.length >> 7) & 0x7f) | 0x80, rest.length >> 14]
    return Buffer.concat([Buffer.from([0x30, ...length]), rest])
  }
  const short = [1, 2].map((alias) => Buffer.from([0x30, 6, 0, 0, 3, 0x23, 0, alias]))
  const many = Buffer.concat(Array.from({ length: 4000 }, (_, i) => short[i % 2]!))
  return Buffer.concat([named(1, 'a'.repeat(60_000)), named(2, 'b'.repeat(60_000)), many])
}

const post = (length: number): string =>
  `POST /api/publish HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

/** JSON that nests four million times. */
export const nestedJson = (): Buffer => Buffer.concat([Buffer.from(post(4_000_000)), Buffer.alloc(4_000_000, '[')])

export const upgrade = (path: string): Buffer =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: mqtt\r\n\r\n`,
  )

export const httpPost = post
