import assert from 'node:assert/strict'
import { MalformedError, Reader } from '../../../src/base/index.ts'
import type { Header, Value } from '../../../src/core/index.ts'
import {
  FrameCutter,
  FrameWriter,
  frameHeader,
  frameMethod,
  idOf,
  methods,
  nameOf,
  readArgs,
  readDeliveryTag,
  readProperties,
  readPublish,
  writeMethod,
  writeProperties,
  type BasicProperties,
  type MethodName,
} from '../../../src/protocols/amqp091/wire/index.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { captured, cutBy } from '../captures.ts'
import { chunksOf, refused, type Codec } from '../codec.ts'
import { pick } from '../mutate.ts'

const names = Object.keys(methods) as MethodName[]
const frameBytesMax = 131_072
const headBytes = 7
/** As in the product, one for all. */
const w = new FrameWriter()

const payloadOf = (frame: Buffer): Buffer => frame.subarray(headBytes, frame.length - 1)

const conversations = captured('amqp')
const protocolHeaderBytes = 8
const frames = conversations
  .flatMap(({ client, broker }) => [client.subarray(protocolHeaderBytes), broker])
  .flatMap((bytes) =>
    cutBy(bytes, (all, at) => (at + headBytes <= all.length ? headBytes + 1 + all.readUInt32BE(at + 3) : 0)),
  )
const payloadsOf = (type: number): Buffer[] => frames.filter((frame) => frame[0] === type).map(payloadOf)

const shortText = (random: SimRandom): string =>
  random.bytes(random.below(random.once(8) ? 256 : 10)).toString('latin1')
const text = (random: SimRandom): string => pick(random, ['', 'a', 'quorum', 'é漢', 'x'.repeat(random.below(300))])

function value(random: SimRandom, depth = 0): Value {
  const kind = random.below(depth > 3 ? 8 : 10)
  switch (kind) {
    case 0:
      return { type: 'null' }
    case 1:
      return { type: 'bool', value: random.once(2) }
    case 2:
      return { type: 'i32', value: random.below(2 ** 32) - 2 ** 31 }
    case 3:
      return { type: 'i64', value: random.bytes(8).readBigInt64BE() }
    case 4:
      return { type: 'f64', value: random.below(1000) / 7 }
    case 5:
      return { type: 'utf8', value: text(random) }
    case 6:
      return { type: 'bytes', value: Buffer.concat([Buffer.from([0xff]), random.bytes(random.below(9))]) }
    case 7:
      return { type: 'decimal', scale: random.below(256), value: random.below(1000) }
    case 8:
      return { type: 'list', value: Array.from({ length: random.below(4) }, () => value(random, depth + 1)) }
    default:
      return { type: 'map', value: table(random, depth + 1) }
  }
}

const table = (random: SimRandom, depth = 0): Header[] =>
  Array.from({ length: random.below(4) }, () => ({ name: text(random).slice(0, 80), value: value(random, depth) }))

function argument(random: SimRandom, type: string): unknown {
  switch (type) {
    case 'bit':
      return random.once(2)
    case 'octet':
      return random.below(256)
    case 'short':
      return random.below(65_536)
    case 'long':
      return random.below(2 ** 32)
    case 'longlong':
      return random.below(2 ** 52)
    case 'shortstr':
      return shortText(random)
    case 'longstr':
      return random.bytes(random.below(40))
    default:
      return table(random)
  }
}

function writtenMethod(name: MethodName, args: object): Buffer {
  writeMethod(w, 1, name, args as never)
  return Buffer.from(payloadOf(w.take()))
}

/** The hot methods are read by hand, too: both ways must agree. */
function readByHand(name: MethodName, input: Buffer, args: Record<string, unknown>): void {
  if (name === 'basic.publish') {
    const found = readPublish(input, 4, input.length)
    assert.deepStrictEqual(
      { ...found },
      {
        exchange: args.exchange,
        routingKey: args.routingKey,
        mandatory: args.mandatory,
        immediate: args.immediate,
      },
    )
  } else if (name === 'basic.ack' || name === 'basic.nack' || name === 'basic.reject') {
    assert.equal(readDeliveryTag(input, 4, input.length), args.deliveryTag)
  }
}

/** A method frame's payload: class and method, arguments. */
const method: Codec = {
  name: 'amqp-method',
  seeds: payloadsOf(frameMethod),
  // The writer's slabs.
  memory: { free: 512 * 1024, perByte: 64 },
  roundTrip(random) {
    const name = pick(random, names)
    const fields = Object.entries(methods[name].fields)
    const args = Object.fromEntries(fields.map(([field, type]) => [field, argument(random, type)]))
    const bytes = writtenMethod(name, args)
    const reader = new Reader(bytes, 4)
    assert.deepStrictEqual(readArgs(name, reader), args)
    assert.equal(reader.remaining, 0)
    readByHand(name, bytes, args)
    return bytes
  },
  take(input) {
    if (input.length < 4) return false
    const name = nameOf(input.readUInt32BE(0))
    if (name === undefined) return false
    return !refused(() => {
      const args = readArgs(name, new Reader(input, 4))
      readByHand(name, input, args)
      // Delivery tags of clients are looked up and never written; beyond 2^53 none was given out.
      if (Object.values(args).some((value) => typeof value === 'number' && value > Number.MAX_SAFE_INTEGER)) return
      const again = readArgs(name, new Reader(writtenMethod(name, args), 4))
      assert.deepStrictEqual(again, args)
    }, MalformedError)
  },
}

function properties(random: SimRandom): BasicProperties {
  const p: BasicProperties = {}
  if (random.once(2)) p.contentType = text(random).slice(0, 80)
  if (random.once(3)) p.headers = table(random)
  if (random.once(2)) p.deliveryMode = random.below(256)
  if (random.once(2)) p.priority = random.below(256)
  if (random.once(3)) p.correlationId = shortText(random)
  if (random.once(3)) p.replyTo = shortText(random)
  if (random.once(3)) p.expiration = String(random.below(100_000))
  if (random.once(3)) p.messageId = text(random).slice(0, 80)
  if (random.once(3)) p.timestamp = BigInt(random.below(2 ** 40))
  if (random.once(4)) p.type = 'type'
  if (random.once(4)) p.userId = 'guest'
  if (random.once(4)) p.appId = 'app'
  return p
}

function writtenProperties(p: BasicProperties): Buffer {
  writeProperties(w, p)
  return Buffer.from(w.take())
}

/** A content header from its property flags on. */
const contentHeader: Codec = {
  name: 'amqp-properties',
  // Behind class, weight and the body's size.
  seeds: payloadsOf(frameHeader).map((payload) => payload.subarray(12)),
  memory: { free: 512 * 1024, perByte: 64 },
  roundTrip(random) {
    const p = properties(random)
    const bytes = writtenProperties(p)
    assert.deepStrictEqual(readProperties(new Reader(bytes)), p)
    return bytes
  },
  take(input) {
    return !refused(() => {
      const p = readProperties(new Reader(input))
      let bytes
      try {
        bytes = writtenProperties(p)
      } catch (error) {
        // Text that was not UTF-8 was mended and grew beyond what a short string holds.
        w.take()
        if (error instanceof RangeError) return
        throw error
      }
      assert.deepStrictEqual(readProperties(new Reader(bytes)), p)
    }, MalformedError)
  },
}

function framesOf(chunks: readonly Buffer[]): string[] {
  const cutter = new FrameCutter(frameBytesMax)
  const found: string[] = []
  for (const chunk of chunks) {
    const failure = cutter.push(chunk, (type, channel, buffer, start, end) => {
      found.push(`${type} ${channel} ${buffer.toString('hex', start, end)}`)
    })
    if (failure !== null) return [...found, failure]
  }
  return found
}

/** Frames, in chunks; of at most 128 KiB, as they are negotiated. */
const stream: Codec = {
  name: 'amqp-stream',
  seeds: conversations.flatMap(({ client, broker }) => [
    client.subarray(protocolHeaderBytes, 4096),
    broker.subarray(0, 2048),
  ]),
  memory: { free: 8 * frameBytesMax, perByte: 64 },
  roundTrip(random) {
    const count = 1 + random.below(6)
    for (let i = 0; i < count; i++) {
      const begun = w.beginFrame(random.once(3) ? 1 + random.below(3) : frameMethod, random.below(4))
      w.u32(random.once(2) ? idOf(pick(random, names)) : random.below(2 ** 32))
      w.bytes(random.bytes(random.below(40)))
      w.endFrame(begun)
    }
    const bytes = Buffer.from(w.take())
    assert.equal(framesOf([bytes]).length, count)
    return bytes
  },
  take(input, random) {
    const whole = framesOf([input])
    assert.deepStrictEqual(framesOf(chunksOf(input, random)), whole)
    return whole.length > 0
  },
}

export const amqpCodecs: readonly Codec[] = [method, contentHeader, stream]
