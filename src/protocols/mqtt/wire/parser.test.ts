import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import type { Packet } from 'mqtt-packet'
import type { ConnectPacket, PublishFrame } from './packets.ts'
import { Parser } from './parser.ts'
import { Reason } from './reason.ts'
import { byteOf, collect, connectBytes, topicArbitrary } from './testing/index.ts'

/*
 * `mqtt-packet` is the oracle: whatever it generates must come out of our parser with the same meaning, however the
 * stream is cut into chunks.
 */

const versions = [3, 4, 5] as const
const textArbitrary = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'))
const bytesArbitrary = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const idArbitrary = fc.integer({ min: 1, max: 65_535 })
const qosArbitrary = fc.constantFrom(0, 1, 2)
const userProperties = fc.dictionary(textArbitrary, textArbitrary, { minKeys: 1, maxKeys: 3, noNullPrototype: true })

const publishProperties = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.integer({ min: 0, max: 0xffff_ffff }),
    contentType: textArbitrary,
    responseTopic: topicArbitrary,
    correlationData: bytesArbitrary,
    topicAlias: idArbitrary,
    userProperties,
  },
  { requiredKeys: [] },
)

const packetArbitrary = fc.oneof(
  fc.record({
    cmd: fc.constant('publish'),
    topic: topicArbitrary,
    payload: bytesArbitrary,
    qos: qosArbitrary,
    retain: fc.boolean(),
    dup: fc.constant(false),
    messageId: idArbitrary,
    properties: publishProperties,
  }),
  fc.record({
    cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'),
    messageId: idArbitrary,
    reasonCode: fc.constant(0),
  }),
  fc.record({
    cmd: fc.constant('subscribe'),
    messageId: idArbitrary,
    subscriptions: fc.array(
      fc.record({ topic: topicArbitrary, qos: qosArbitrary, nl: fc.boolean(), rap: fc.boolean(), rh: qosArbitrary }),
      { minLength: 1, maxLength: 4 },
    ),
    properties: fc.record({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }) }, { requiredKeys: [] }),
  }),
  fc.record({
    cmd: fc.constant('unsubscribe'),
    messageId: idArbitrary,
    unsubscriptions: fc.array(topicArbitrary, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ cmd: fc.constant('pingreq') }),
)

test('packets made by the oracle come out with the same meaning, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...versions),
      fc.array(packetArbitrary, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 10 }),
      (version, packets, cuts) => {
        const options = { protocolVersion: version }
        const bytes = [connectBytes(version), ...packets.map((p) => mqttPacket.generate(p as Packet, options))]
        const seen = collect(Buffer.concat(bytes), cuts)
        assert.equal(seen.violation, undefined)
        assert.equal(seen.packets.length, packets.length + 1)
        packets.forEach((packet, i) => sameMeaning(packet, seen.packets[i + 1]!, version))
      },
    ),
  )
})

/** Packets of the oracle, by its own names. */
interface Sent extends Record<string, unknown> {
  cmd: string
  subscriptions?: { topic: string; qos: number; nl: boolean; rap: boolean; rh: number }[]
  properties?: Record<string, unknown>
}

function sameMeaning(sent: Sent, got: Record<string, unknown>, version: number): void {
  switch (sent.cmd) {
    case 'publish': {
      assert.deepEqual([got.topic, got.qos, got.retain], [sent.topic, sent.qos, sent.retain])
      assert.deepEqual(got.payload, sent.payload)
      assert.equal(got.packetId, sent.qos === 0 ? 0 : sent.messageId)
      const expected: Record<string, unknown> = version === 5 ? { ...sent.properties } : {}
      if ('payloadFormatIndicator' in expected)
        expected.payloadFormatIndicator = expected.payloadFormatIndicator ? 1 : 0
      if ('userProperties' in expected) expected.userProperties = Object.entries(expected.userProperties as object)

      assert.deepEqual(got.properties, expected)
      return
    }
    case 'subscribe':
      assert.equal(got.packetId, sent.messageId)
      assert.deepEqual(
        got.entries,
        sent.subscriptions!.map((s) => ({
          filter: s.topic,
          qos: s.qos,
          noLocal: version === 5 && s.nl && !s.topic.startsWith('$share/'),
          retainAsPublished: version === 5 && s.rap,
          retainHandling: version === 5 ? s.rh : 0,
        })),
      )
      if (version === 5 && sent.properties?.subscriptionIdentifier !== undefined) {
        const { subscriptionIdentifiers } = got.properties as Record<string, unknown>
        assert.deepEqual(subscriptionIdentifiers, [sent.properties.subscriptionIdentifier])
      }
      return
    case 'unsubscribe':
      assert.deepEqual([got.packetId, got.filters], [sent.messageId, sent.unsubscriptions])
      return
    case 'pingreq':
      assert.equal(got.type, 'pingreq')
      return
    default:
      assert.deepEqual([got.type, got.packetId, got.reason], [sent.cmd, sent.messageId, 0])
  }
}

test('CONNECT: every field as the oracle wrote it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...versions),
      fc.record(
        {
          clientId: textArbitrary.filter((id) => id.length > 0),
          keepalive: fc.integer({ min: 0, max: 65_535 }),
          clean: fc.boolean(),
          username: textArbitrary.filter((name) => name.length > 0),
          will: fc.record({
            topic: topicArbitrary,
            payload: bytesArbitrary.filter((b) => b.length > 0),
            qos: qosArbitrary,
            retain: fc.boolean(),
          }),
        },
        { requiredKeys: ['clientId', 'keepalive', 'clean'] },
      ),
      (version, fields) => {
        const bytes = connectBytes(version, fields)
        const connect = collect(bytes, [3, 1]).packets[0] as unknown as ConnectPacket
        assert.equal(connect.version, version)
        assert.deepEqual(
          [connect.clientId, connect.keepAliveSeconds, connect.clean, connect.user],
          [fields.clientId, fields.keepalive, fields.clean, fields.username],
        )
        const will =
          connect.will && (({ topic, payload, qos, retain }) => ({ topic, payload, qos, retain }))(connect.will)
        assert.deepEqual(will, fields.will && { ...fields.will })
      },
    ),
  )
})

/** After a good CONNECT of version 5, each of these ends the stream with this reason. */
const hostile: [name: string, hex: string, reason: number][] = [
  ['second CONNECT (MQTT-3.1.0-2)', connectBytes(5).toString('hex'), Reason.protocolError],
  ['packet type 0', '0000', Reason.protocolError],
  ['SUBACK from a client', '9003000100', Reason.protocolError],
  ['PUBLISH with QoS 3 (MQTT-3.3.1-4)', '3606000161000100', Reason.malformedPacket],
  ['PUBLISH with DUP and QoS 0 (MQTT-3.3.1-2)', '380400016100', Reason.malformedPacket],
  ['PUBLISH with a wildcard (MQTT-3.3.2-2)', '3005000261' + '2b00', Reason.topicNameInvalid],
  ['PUBLISH without topic and alias', '3003000000', Reason.protocolError],
  ['PUBLISH with topic alias 0', '3007000161' + '03230000', Reason.topicAliasInvalid],
  ['PUBLISH with packet id 0 (MQTT-2.2.1-3)', '3206000161' + '000000', Reason.protocolError],
  ['PUBLISH with a subscription identifier (MQTT-3.3.4-6)', '3006000161' + '020b01', Reason.protocolError],
  ['PUBLISH with a response topic with wildcard', '3008000161' + '0408000123', Reason.protocolError],
  ['PUBLISH with an expiry twice', '300e000161' + '0a02000000010200000001', Reason.protocolError],
  ['PUBLISH with a property of CONNECT', '3007000161' + '03210001', Reason.malformedPacket],
  ['topic with U+0000 (MQTT-1.5.4-2)', '300400010000', Reason.malformedPacket],
  ['topic with a surrogate (MQTT-1.5.4-1)', '30060003eda08000', Reason.malformedPacket],
  ['topic with an overlong form', '30050002c08000', Reason.malformedPacket],
  ['topic longer than the packet', '3003000561', Reason.malformedPacket],
  ['PUBREL without its flags (MQTT-3.6.1-1)', '60020001', Reason.malformedPacket],
  ['PUBACK with flags', '41020001', Reason.malformedPacket],
  ['PUBACK with an unknown reason', '4003000144', Reason.malformedPacket],
  ['PUBACK with bytes left over', '400500010000' + '00', Reason.malformedPacket],
  ['SUBSCRIBE without flags (MQTT-3.8.1-1)', '8006000100000161' + '00', Reason.malformedPacket],
  ['SUBSCRIBE without a filter (MQTT-3.8.3-2)', '8203000100', Reason.protocolError],
  ['SUBSCRIBE with reserved option bits', '8207000100000161c0', Reason.malformedPacket],
  ['SUBSCRIBE with QoS 3', '820700010000016103', Reason.malformedPacket],
  ['SUBSCRIBE with retain handling 3', '820700010000016130', Reason.protocolError],
  ['no local on a shared subscription', '8210000100' + '000a247368617265' + '2f672f6104', Reason.protocolError],
  ['SUBSCRIBE with identifier 0', '8209000102' + '0b00' + '00016100', Reason.protocolError],
  ['UNSUBSCRIBE without a filter', 'a203000100', Reason.protocolError],
  ['PINGREQ with a body', 'c00100', Reason.malformedPacket],
  ['DISCONNECT with a reason of the server', 'e0018e', Reason.malformedPacket],
  ['length of five bytes', '30ffffffff01', Reason.malformedPacket],
  ['length that is not minimal (MQTT-1.5.5-1)', 'c08000', Reason.malformedPacket],
  ['larger than allowed, before its bytes came', '30ffff7f', Reason.packetTooLarge],
]

for (const [name, hex, reason] of hostile) {
  test(`refused: ${name}`, () => {
    const seen = collect(Buffer.concat([connectBytes(5), Buffer.from(hex, 'hex')]), [])
    assert.equal(seen.violation?.reason, reason, seen.violation?.message)
    assert.equal(seen.packets.length, 1)
  })
}

const hostileConnects: [name: string, change: (bytes: Buffer) => Buffer, reason: number][] = [
  ['first packet is not CONNECT', () => Buffer.from('c000', 'hex'), Reason.protocolError],
  ['reserved flag', (b) => byteOf(b, 9, b[9]! | 1), Reason.malformedPacket],
  ['will QoS without will', (b) => byteOf(b, 9, b[9]! | 8), Reason.malformedPacket],
  ['password without user in 3.1.1', (b) => byteOf(b, 9, b[9]! | 0x40), Reason.malformedPacket],
  ['protocol level 6', (b) => byteOf(b, 8, 6), Reason.unsupportedProtocolVersion],
  ['another protocol name', (b) => byteOf(b, 4, 0x58), Reason.protocolError],
]

for (const [name, change, reason] of hostileConnects) {
  test(`CONNECT refused: ${name}`, () => {
    const seen = collect(change(connectBytes(4)), [])
    assert.equal(seen.violation?.reason, reason, seen.violation?.message)
  })
}

const budget = { bytes: 0, bytesMax: 10_000_000 }

test('random bytes give packets or one violation, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, greeted) => {
      collect(Buffer.concat([greeted ? connectBytes(5) : Buffer.alloc(0), Buffer.from(bytes)]), [7])
    }),
    { numRuns: 2000 },
  )
})

test('an announced length costs nothing until its bytes arrive', () => {
  const parser = new Parser({ publish() {}, acknowledged() {}, packet() {}, violation() {} }, 200_000_000, budget)
  parser.receive(connectBytes(4))
  parser.receive(Buffer.from('30ffffff2f0001', 'hex'))
  const cut = (parser as unknown as { cut: { bytes: Buffer } }).cut
  assert.ok(cut.bytes.length <= 1024, `${cut.bytes.length} bytes held`)
})

test('a message is not kept after it has been handed on, however long its publisher stays', () => {
  const frames: PublishFrame[] = []
  const handler = {
    publish: (frame: PublishFrame) => frames.push(frame),
    acknowledged() {},
    packet() {},
    violation() {},
  }
  const parser = new Parser(handler, 200_000_000, budget)
  parser.receive(connectBytes(4))
  parser.receive(Buffer.from('300500017468690a', 'hex').subarray(0, 7))
  assert.equal(frames.length, 1)
  assert.equal(frames[0]!.payload.length, 0)
})

test('a stopped parser ignores the rest of the chunk', () => {
  let pings = 0
  const parser: Parser = new Parser(
    {
      publish() {},
      acknowledged() {},
      packet(packet) {
        if (packet.type === 'pingreq') pings++
        if (pings === 1) parser.stop()
      },
      violation() {},
    },
    1000,
    budget,
  )
  parser.receive(Buffer.concat([connectBytes(4), Buffer.from('c000c000', 'hex')]))
  assert.equal(pings, 1)
})

test('cut packets share one budget, and give it back', () => {
  const shared = { bytes: 0, bytesMax: 100_000 }
  const reasons: number[] = []
  const violation = ({ reason }: { reason: number }): number => reasons.push(reason)
  const parsers = Array.from({ length: 4 }, () => {
    const parser = new Parser({ publish() {}, acknowledged() {}, packet() {}, violation }, 1_000_000, shared)
    parser.receive(connectBytes(4))
    parser.receive(Buffer.concat([Buffer.from('30e0a703', 'hex'), Buffer.alloc(30_000)]))
    return parser
  })
  assert.deepEqual(reasons, [Reason.quotaExceeded])
  assert.equal(shared.bytes, 90_012)
  for (const parser of parsers) parser.stop()
  assert.equal(shared.bytes, 0)
})

test('a packet that names very many things, each of few bytes, is refused before it fills the memory', () => {
  const subscriptions = Array.from({ length: 10_001 }, () => ({ topic: 'a', qos: 0 }))
  const subscribe = mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions } as Packet, {
    protocolVersion: 5,
  })
  const pairs = { userProperties: { a: Array.from({ length: 10_001 }, () => '') } }
  const publish = mqttPacket.generate(
    { cmd: 'publish', topic: 'a', payload: '', qos: 0, retain: false, dup: false, properties: pairs },
    { protocolVersion: 5 },
  )
  for (const bytes of [subscribe, publish]) {
    const { packets, violation } = collect(Buffer.concat([connectBytes(5), bytes]), [])
    assert.equal(packets.length, 1)
    assert.equal(violation?.reason, Reason.quotaExceeded)
  }
})

test('MQTT 3.1: PUBREL, SUBSCRIBE and UNSUBSCRIBE carry DUP when they come again; later versions do not', () => {
  const again = ['6a020007', '8a0600010001 6100', 'aa0500010001 61'].map((hex) =>
    Buffer.from(hex.replaceAll(' ', ''), 'hex'),
  )
  const old = collect(Buffer.concat([connectBytes(3), ...again]), [])
  assert.equal(old.violation, undefined)
  assert.deepEqual(
    old.packets.map(({ type }) => type),
    ['connect', 'pubrel', 'subscribe', 'unsubscribe'],
  )
  for (const version of versions) {
    const wrong = version === 3 ? ['68020007', '6b020007', 'c800'].map((hex) => Buffer.from(hex, 'hex')) : again
    for (const packet of wrong) {
      const { packets, violation } = collect(Buffer.concat([connectBytes(version), packet]), [])
      assert.equal(packets.length, 1)
      assert.equal(violation?.reason, Reason.malformedPacket)
    }
  }
})

test('MQTT 3.1: user name and password may be missing although their flags are set; in 3.1.1 they may not', () => {
  const connect = (version: 3 | 4, ...rest: string[]): Buffer => {
    const name = Buffer.from(version === 3 ? 'MQIsdp' : 'MQTT')
    const head = Buffer.from([0, name.length, ...name, version, 0xc2, 0, 0])
    const body = Buffer.concat([head, ...['c', ...rest].map((text) => Buffer.from(`\0\x01${text}`))])
    return Buffer.concat([Buffer.from([0x10, body.length]), body])
  }
  for (const rest of [[], ['u'], ['u', 'p']]) {
    const { packets, violation } = collect(connect(3, ...rest), [])
    assert.equal(violation, undefined)
    const { user, password } = packets[0] as unknown as ConnectPacket
    assert.deepEqual([user, password?.toString()], [rest[0], rest[1]])
    assert.equal(
      collect(connect(4, ...rest), []).violation?.reason,
      rest.length === 2 ? undefined : Reason.malformedPacket,
    )
  }
})
