import type { Protocol } from '../../src/server/index.ts'
import { protocols } from '../../src/protocols.ts'
import { line } from './line/index.ts'

/** What the contract suite must know of one protocol to speak a little of it. */
export interface Fixture {
  name: string
  protocol: Protocol | undefined
  /** All that a client of this number says to open, at once; empty when it may begin with a request. */
  hello(client: number): Buffer
  /** A request that is answered, and how the answer is known. It is given all bytes since the last request. */
  request: Buffer
  answered(bytes: Buffer): boolean
  /** Each of these must end in an error in protocol or in a close; the first `opening` bytes are still in order. */
  garbage: readonly { opening: number; bytes: Buffer }[]
  /** Subscribes live to all of `contract.#`, or the reason why this protocol has no such thing. */
  subscribe: Buffer | string
}

const find = (name: string): Protocol | undefined => protocols.find((protocol) => protocol.name === name)

const http = Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nAccept: ${'text/html, '.repeat(20)}\r\n\r\n`)

const bad = (bytes: Buffer, opening: Buffer = Buffer.alloc(0)): Fixture['garbage'][number] => {
  return { opening: opening.length, bytes: Buffer.concat([opening, bytes]) }
}

const lineFixture: Fixture = {
  name: 'line',
  protocol: line,
  hello: () => Buffer.alloc(0),
  request: Buffer.from('PING\n'),
  answered: (bytes) => bytes.includes('+PONG\n'),
  garbage: [bad(http), bad(Buffer.alloc(70_000, 0xff))],
  subscribe: Buffer.from('SUB contract.#\n'),
}

// -- Kafka: a size, then api key, version, correlation id, client id

function kafkaRequest(apiKey: number, version: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(14)
  header.writeInt16BE(apiKey, 4)
  header.writeInt16BE(version, 6)
  header.writeInt32BE(7, 8)
  header.writeInt16BE(1, 12)
  const frame = Buffer.concat([header, Buffer.from('c'), body])
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

const kafkaFixture: Fixture = {
  name: 'kafka',
  protocol: find('kafka'),
  hello: () => Buffer.alloc(0),
  request: kafkaRequest(18, 0),
  answered: (bytes) => bytes.length > 8 && bytes.readInt32BE(0) <= bytes.length - 4 && bytes.readInt32BE(4) === 7,
  garbage: [
    bad(http),
    bad(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 18])),
    bad(Buffer.from([0xff, 0xff, 0xff, 0xff])),
    bad(kafkaRequest(3, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
    bad(kafkaRequest(999, 0)),
  ],
  subscribe: 'Kafka clients fetch; nothing is pushed to them',
}

// -- AMQP 0-9-1: a frame is type, channel, size, payload, 0xCE

function amqpMethod(channel: number, classId: number, methodId: number, args: Buffer): Buffer {
  const frame = Buffer.alloc(12 + args.length)
  frame[0] = 1
  frame.writeUInt16BE(channel, 1)
  frame.writeUInt32BE(4 + args.length, 3)
  frame.writeUInt16BE(classId, 7)
  frame.writeUInt16BE(methodId, 9)
  args.copy(frame, 11)
  frame[frame.length - 1] = 0xce
  return frame
}

const shortstr = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
const longstr = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)])
const emptyTable = Buffer.alloc(4)
const amqpHeader = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')

const amqpHello = Buffer.concat([
  amqpHeader,
  amqpMethod(0, 10, 11, Buffer.concat([emptyTable, shortstr('PLAIN'), longstr('\0guest\0guest'), shortstr('en_US')])),
  amqpMethod(0, 10, 31, Buffer.from([0x07, 0xff, 0, 2, 0, 0, 0, 0])),
  amqpMethod(0, 10, 40, Buffer.concat([shortstr('/'), shortstr(''), Buffer.alloc(1)])),
  amqpMethod(1, 20, 10, shortstr('')),
])

const qosOk = Buffer.from([0, 60, 0, 11])

const amqpFixture: Fixture = {
  name: 'amqp',
  protocol: find('amqp'),
  hello: () => amqpHello,
  request: amqpMethod(1, 60, 10, Buffer.from([0, 0, 0, 0, 0, 10, 0])),
  answered: (bytes) => bytes.includes(qosOk),
  garbage: [
    bad(http),
    bad(Buffer.from('AMQP\x03\x01\x00\x00', 'latin1')),
    bad(Buffer.from([1, 0, 1, 0, 0, 0, 4, 0, 20, 0, 10, 0x00]), amqpHello),
    bad(Buffer.from([1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 20]), amqpHello),
    bad(amqpMethod(1, 77, 7, Buffer.alloc(0)), amqpHello),
  ],
  // A queue of its own, bound to amq.topic, consumed without acknowledgements.
  subscribe: Buffer.concat([
    amqpMethod(
      1,
      50,
      10,
      Buffer.concat([Buffer.alloc(2), shortstr('contract-suite'), Buffer.from([0b1100]), emptyTable]),
    ),
    amqpMethod(
      1,
      50,
      20,
      Buffer.concat([
        Buffer.alloc(2),
        shortstr('contract-suite'),
        shortstr('amq.topic'),
        shortstr('contract.#'),
        Buffer.alloc(1),
        emptyTable,
      ]),
    ),
    amqpMethod(
      1,
      60,
      20,
      Buffer.concat([Buffer.alloc(2), shortstr('contract-suite'), shortstr('c'), Buffer.from([0b10]), emptyTable]),
    ),
  ]),
}

// -- MQTT 3.1.1: type and flags, remaining length, body

/** Clients with one identifier would take over from one another. */
const mqttConnect = (client: number): Buffer =>
  Buffer.from(`\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05${String(client).padStart(5, '0')}`, 'latin1')

const mqttFixture: Fixture = {
  name: 'mqtt',
  protocol: find('mqtt'),
  hello: mqttConnect,
  request: Buffer.from([0xc0, 0]),
  answered: (bytes) => bytes.includes(Buffer.from([0xd0, 0])),
  garbage: [
    bad(http),
    bad(Buffer.from([0xc0, 0])),
    bad(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]), mqttConnect(1)),
    bad(mqttConnect(2), mqttConnect(2)),
    bad(Buffer.from([0xf1, 0]), mqttConnect(3)),
  ],
  subscribe: Buffer.from('\x82\x0f\x00\x01\x00\x0acontract/#\x00', 'latin1'),
}

export const fixtures: readonly Fixture[] = [lineFixture, kafkaFixture, amqpFixture, mqttFixture]
