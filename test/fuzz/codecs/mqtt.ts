import assert from 'node:assert/strict'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { Reader, Writer } from '../../../src/base/index.ts'
import { In, properties as rows } from '../../../src/protocols/mqtt/wire/properties/table.ts'
import { readProperties } from '../../../src/protocols/mqtt/wire/properties/read.ts'
import { writeProperties } from '../../../src/protocols/mqtt/wire/properties/write.ts'
import { Parser, Violation, isTopicFilter, isTopicName, parseFilter } from '../../../src/protocols/mqtt/wire/index.ts'
import { MalformedError } from '../../../src/base/index.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { captured } from '../captures.ts'
import { chunksOf, refused, type Codec } from '../codec.ts'
import { pick } from '../mutate.ts'

const bytesMax = 1024 * 1024

/** Everything that the parser says, as text. */
function heard(chunks: readonly Buffer[]): string[] {
  const found: string[] = []
  const budget = { bytes: 0, bytesMax: 8 * bytesMax }
  const parser = new Parser(
    {
      publish: (frame) => {
        found.push(JSON.stringify({ ...frame, payload: frame.payload.toString('hex') }))
      },
      acknowledged: (type, packetId, reason) => void found.push(`ack ${type} ${packetId} ${reason}`),
      packet: (packet) => {
        found.push(JSON.stringify(packet))
        // As the session does it with every filter.
        if (packet.type === 'subscribe') for (const { filter } of packet.entries) parseFilter(filter)
      },
      violation: (violation) => void found.push(`violation ${violation.reason} ${violation.message}`),
    },
    bytesMax,
    budget,
  )
  for (const chunk of chunks) parser.receive(chunk)
  parser.stop()
  assert.equal(budget.bytes, 0, 'memory for a cut packet is given back')
  return found
}

const versions = [3, 4, 5] as const
const make = (packet: object, version: number): Buffer =>
  mqttPacket.generate(packet as Packet, { protocolVersion: version })

const topic = (random: SimRandom): string =>
  pick(random, ['a', 'a/b/c', 'é/漢', '/', '$share/g/a', '$SYS/x', 'x'.repeat(300)])
const filter = (random: SimRandom): string => pick(random, ['#', '+/b', 'a/#', '+/+/+', '$share/g/#', 'a'])

function packet(random: SimRandom, version: number): object {
  const messageId = 1 + random.below(65_535)
  const properties = version === 5 && random.once(2) ? { userProperties: { a: 'b', c: ['d', 'e'] } } : {}
  switch (random.below(6)) {
    case 0: {
      const qos = random.below(3)
      const payload = random.bytes(random.below(random.once(8) ? 3000 : 30))
      const more = version === 5 ? { ...properties, topicAlias: 1 + random.below(9), messageExpiryInterval: 7 } : {}
      return { cmd: 'publish', topic: topic(random), payload, qos, retain: random.once(3), messageId, properties: more }
    }
    case 1: {
      const subscriptions = Array.from({ length: 1 + random.below(3) }, () => ({
        topic: filter(random),
        qos: random.below(3),
      }))
      return { cmd: 'subscribe', messageId, subscriptions, properties }
    }
    case 2:
      return { cmd: 'unsubscribe', messageId, unsubscriptions: [filter(random)], properties }
    case 3:
      return { cmd: pick(random, ['puback', 'pubrec', 'pubrel', 'pubcomp']), messageId, reasonCode: 0, properties }
    case 4:
      return { cmd: 'pingreq' }
    default:
      return version === 5 ? { cmd: 'disconnect', reasonCode: 4 * random.below(2), properties } : { cmd: 'disconnect' }
  }
}

function connect(random: SimRandom, version: number): Buffer {
  const will = { topic: topic(random), payload: Buffer.from('gone'), qos: random.below(3), retain: random.once(2) }
  const connecting = {
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clientId: 'fuzz',
    clean: true,
    keepalive: random.below(100),
    ...(random.once(2) ? { will } : {}),
    ...(random.once(2) ? { username: 'guest', password: Buffer.from('guest') } : {}),
    ...(version === 5 ? { properties: { sessionExpiryInterval: 5, receiveMaximum: 9, topicAliasMaximum: 3 } } : {}),
  }
  return make(connecting, version)
}

/** What one client sends, CONNECT first, in chunks. */
const stream: Codec = {
  name: 'mqtt-stream',
  seeds: captured('mqtt').map(({ client }) => client),
  memory: { free: 64 * 1024, perByte: 700 },
  roundTrip(random) {
    const version = pick(random, versions)
    const count = random.below(6)
    const packets = Array.from({ length: count }, () => make(packet(random, version), version))
    const bytes = Buffer.concat([connect(random, version), ...packets])
    const found = heard([bytes])
    assert.equal(found.length, count + 1, found.join('\n'))
    assert.ok(!found.some((each) => each.startsWith('violation')), found.join('\n'))
    return bytes
  },
  take(input, random) {
    const whole = heard([input])
    assert.deepStrictEqual(heard(chunksOf(input, random)), whole)
    return whole.length > 1
  },
}

const packets = Object.values(In)

function propertyValue(random: SimRandom, { type, min, max }: { type: string; min?: number; max?: number }): unknown {
  const number = (bound: number): number => Math.max(min ?? 0, random.below(Math.min(bound, (max ?? bound) + 1)))
  switch (type) {
    case 'u8':
      return number(256)
    case 'u16':
      return number(65_536)
    case 'u32':
      return number(2 ** 32)
    case 'varint':
      return number(2 ** 28)
    case 'text':
      return topic(random)
    case 'binary':
      return random.bytes(random.below(30))
    default:
      return [topic(random), 'value']
  }
}

/** Which packet, then a property list with its length. */
const propertyList: Codec = {
  name: 'mqtt-properties',
  seeds: [],
  roundTrip(random) {
    const at = random.below(packets.length)
    const allowed = rows.filter((row) => (row.in & packets[at]!) !== 0 && random.once(2))
    const values = Object.fromEntries(
      allowed.map((row) => {
        if (!('repeats' in row)) return [row.name, propertyValue(random, row)]
        return [row.name, Array.from({ length: 1 + random.below(3) }, () => propertyValue(random, row))]
      }),
    )
    const out = new Writer(64)
    out.u8(at)
    writeProperties(out, values)
    const bytes = out.finish()
    assert.deepStrictEqual({ ...readProperties(new Reader(bytes, 1), packets[at]!) }, values)
    return bytes
  },
  take(input) {
    if (input.length === 0) return false
    return !refused(
      () => {
        const values = readProperties(new Reader(input, 1), packets[input[0]! % packets.length]!)
        const out = new Writer(64)
        writeProperties(out, values)
        const again = readProperties(new Reader(out.finish()), packets[input[0]! % packets.length]!)
        assert.deepStrictEqual({ ...again }, { ...values })
      },
      MalformedError,
      Violation,
    )
  },
}

/** Topic names and filters. */
const topics: Codec = {
  name: 'mqtt-topic',
  seeds: ['a/b', '+/#', '$share/group/a/+', '$SYS/#', '//'].map((each) => Buffer.from(each)),
  take(input) {
    const text = input.toString()
    const found = parseFilter(text)
    if (found === undefined) return false
    assert.ok(isTopicFilter(found.filter))
    assert.ok(found.group === undefined || isTopicName(found.group))
    return true
  },
}

export const mqttCodecs: readonly Codec[] = [stream, propertyList, topics]
