import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { Writer } from '../../../base/index.ts'
import { writeAck, writeDisconnect, writePingResponse, writeSubscribeAck } from './encode/acks.ts'
import { writeConnack } from './encode/connack.ts'
import { encodeProperties, publishBytes, writePublishHead } from './encode/publish.ts'
import type { Properties } from './properties/table.ts'
import { properties as rows } from './properties/table.ts'
import { topicArbitrary } from './testing/index.ts'
import type { AckType, Qos } from './constants.ts'

/* What we write, the oracle must read as it was meant. */

const versions = [4, 5] as const

/** Packets as the oracle reads them. */
interface Seen extends Record<string, unknown> {
  properties?: Record<string, unknown>
}

function parsed(version: number, write: (writer: Writer) => void): Seen[] {
  const writer = new Writer(16)
  write(writer)
  const seen: Seen[] = []
  const parser = mqttPacket.parser({ protocolVersion: version })
  parser.on('packet', (packet) => seen.push(packet as unknown as Seen))
  parser.on('error', (error: Error) => {
    throw error
  })
  parser.parse(writer.finish())
  return seen
}

const idArbitrary = fc.integer({ min: 1, max: 65_535 })
const bytesArbitrary = fc.uint8Array({ minLength: 1, maxLength: 40_000 }).map((bytes) => Buffer.from(bytes))
const textArbitrary = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 })

test('PUBLISH: topic, payload, flags and both halves of the properties', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...versions),
      topicArbitrary,
      bytesArbitrary,
      fc.constantFrom(0, 1, 2),
      fc.boolean(),
      idArbitrary,
      fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 4 }),
      textArbitrary,
      (version, topic, payload, qos, retain, packetId, ids, contentType) => {
        const common: Properties = {
          contentType,
          correlationData: payload.subarray(0, 9),
          userProperties: [
            ['a', 'b'],
            ['a', 'c'],
          ],
        }
        const form = { topic: Buffer.from(topic), payload, properties: encodeProperties(common) }
        const own: Properties = { subscriptionIdentifiers: ids, messageExpiryInterval: 7 }
        const head = { qos: qos, dup: qos > 0, retain, packetId, own, topicOmitted: false }
        let length = 0
        const [packet] = parsed(version, (writer) => {
          writePublishHead(writer, form, head, version)
          writer.bytes(payload)
          length = writer.length
        })
        assert.equal(length, publishBytes(form, head, version))
        assert.deepEqual([packet!.topic, packet!.qos, packet!.retain, packet!.dup], [topic, qos, retain, qos > 0])
        assert.deepEqual(packet!.payload, payload)
        if (qos > 0) assert.equal(packet!.messageId, packetId)
        if (version < 5) return
        assert.equal(packet!.properties!.contentType, contentType)
        assert.equal(packet!.properties!.messageExpiryInterval, 7)
        assert.deepEqual({ ...(packet!.properties!.userProperties as object) }, { a: ['b', 'c'] })
        assert.deepEqual([packet!.properties!.subscriptionIdentifier].flat(), ids)
      },
    ),
  )
})

test('PUBLISH: an omitted topic leaves the alias in its place', () => {
  const form = { topic: Buffer.from('a/b'), payload: Buffer.from('x'), properties: Buffer.alloc(0) }
  const head = { qos: 0 as Qos, dup: false, retain: false, packetId: 0, own: { topicAlias: 3 }, topicOmitted: true }
  const [packet] = parsed(5, (writer) => {
    writePublishHead(writer, form, head, 5)
    writer.bytes(form.payload)
  })
  assert.deepEqual([packet!.topic, packet!.properties!.topicAlias], ['', 3])
})

test('acknowledgements, with and without a reason', () => {
  const names = { 4: 'puback', 5: 'pubrec', 6: 'pubrel', 7: 'pubcomp' }
  for (const version of versions) {
    for (const type of [4, 5, 6, 7] as AckType[]) {
      for (const reason of [0, type < 6 ? 0x87 : 0x92]) {
        const [packet] = parsed(version, (writer) => writeAck(writer, type, 0x1234, reason, version))
        assert.deepEqual([packet!.cmd, packet!.messageId], [names[type], 0x1234])
        if (version === 5) assert.equal(packet!.reasonCode ?? 0, reason)
      }
    }
  }
})

test('SUBACK, UNSUBACK, PINGRESP', () => {
  for (const version of versions) {
    const [suback, unsuback, ping] = parsed(version, (writer) => {
      writeSubscribeAck(writer, 9, 77, [0, 1, 2, 0x8f], version)
      writeSubscribeAck(writer, 11, 78, [0, 0x11], version)
      writePingResponse(writer)
    })
    assert.deepEqual([suback!.messageId, suback!.granted], [77, [0, 1, 2, version === 5 ? 0x8f : 0x80]])
    assert.equal(unsuback!.messageId, 78)
    if (version === 5) assert.deepEqual(unsuback!.granted, [0, 0x11])
    assert.equal(ping!.cmd, 'pingresp')
  }
})

test('DISCONNECT with words', () => {
  fc.assert(
    fc.property(fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }), { nil: undefined }), (words) => {
      const [packet] = parsed(5, (writer) => writeDisconnect(writer, 0x8e, words))
      assert.deepEqual([packet!.cmd, packet!.reasonCode, packet!.properties?.reasonString], ['disconnect', 0x8e, words])
    }),
  )
})

test('CONNACK: return codes before MQTT 5, properties in it', () => {
  const [old] = parsed(4, (writer) => writeConnack(writer, true, 0x85, {}, 4))
  assert.deepEqual([old!.sessionPresent, old!.returnCode], [true, 2])
  const values: Properties = {
    sessionExpiryInterval: 9,
    assignedClientIdentifier: 'x',
    receiveMaximum: 10,
    maximumQos: 1,
  }
  const [now] = parsed(5, (writer) => writeConnack(writer, false, 0, values, 5))
  assert.deepEqual([now!.sessionPresent, now!.reasonCode], [false, 0])
  for (const [name, value] of Object.entries(values))
    assert.equal(now!.properties![name === 'maximumQos' ? 'maximumQoS' : name], value)
})

test('the property table names each identifier once', () => {
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length)
  assert.equal(new Set(rows.map((row) => row.name)).size, rows.length)
})
