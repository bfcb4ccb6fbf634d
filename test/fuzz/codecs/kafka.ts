import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { AssertionError, MalformedError, Reader } from '../../../src/base/index.ts'
import { Frames } from '../../../src/protocols/kafka/wire/frames.ts'
import {
  APIS,
  apiOf,
  isFlexible,
  isSupported,
  requestCodec,
  responseCodec,
} from '../../../src/protocols/kafka/wire/apis.ts'
import type { Codec as TableCodec } from '../../../src/protocols/kafka/wire/codec.ts'
import { readHeader, readRequest } from '../../../src/protocols/kafka/wire/request.ts'
import { inRange, type Api, type Field, type Table } from '../../../src/protocols/kafka/wire/schema.ts'
import { SlicingWriter } from '../../../src/protocols/kafka/wire/writer.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { captured, cutBy, type Conversation } from '../captures.ts'
import { assertCovers, chunksOf, refused, type Codec } from '../codec.ts'
import { pick } from '../mutate.ts'

const file = new URL('../../../src/protocols/kafka/wire/captures/requests.hex', import.meta.url)
const older = readFileSync(file, 'latin1')
  .trim()
  .split('\n')
  .map((line) => Buffer.from(line, 'hex'))

const conversations = captured('kafka')
/** Without their sizes, as `Frames` gives them out. */
const framesOf = (bytes: Buffer): Buffer[] =>
  cutBy(bytes, (all, at) => (at + 4 <= all.length ? 4 + all.readInt32BE(at) : 0)).map((frame) => frame.subarray(4))
const requests = [...older, ...conversations.flatMap(({ client }) => framesOf(client))]

const apis: readonly Api[] = Object.values(APIS)

const integer = (random: SimRandom, bits: number): number => {
  const size = random.once(4) ? bits : Math.min(bits, 8)
  return random.below(2 ** size) - (random.once(4) ? 2 ** (size - 1) : 0)
}
const signed = (random: SimRandom, bits: number): number => {
  const value = integer(random, bits)
  return Math.max(-(2 ** (bits - 1)), Math.min(2 ** (bits - 1) - 1, value))
}
const text = (random: SimRandom): string => {
  const length = random.below(random.once(10) ? 300 : 12)
  return Array.from({ length }, () => pick(random, ['a', 'b', '.', '_', 'é', '漢', '\0'])).join('')
}
const hex = (random: SimRandom): string => random.bytes(16).toString('hex')

function scalarValue(random: SimRandom, type: string): unknown {
  switch (type) {
    case 'bool':
      return random.once(2)
    case 'int8':
      return signed(random, 8)
    case 'int16':
      return signed(random, 16)
    case 'int32':
      return signed(random, 32)
    case 'int64':
      return signed(random, 52)
    case 'string':
      return text(random)
    case 'uuid':
      return hex(random)
    default:
      return random.bytes(random.below(random.once(20) ? 6000 : 20))
  }
}

function fieldValue(random: SimRandom, field: Field, version: number): unknown {
  if (field.nullable !== undefined && inRange(field.nullable, version) && random.once(4)) return null
  const count = random.below(random.once(10) ? 20 : 3)
  if (field.type === 'struct') return tableValue(random, field.fields ?? [], version)
  if (field.type === 'array') {
    return Array.from({ length: count }, () => tableValue(random, field.fields ?? [], version))
  }
  if (!field.type.startsWith('[]')) return scalarValue(random, field.type)
  return Array.from({ length: count }, () => scalarValue(random, field.type.slice(2)))
}

/** Values for every field that the version has. */
function tableValue(random: SimRandom, fields: Table, version: number): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const field of fields) {
    if (!inRange(field.versions, version)) continue
    if (field.tag !== undefined && !inRange(field.tagged, version)) continue
    values[field.name] = fieldValue(random, field, version)
  }
  return values
}

function written(codec: TableCodec<Table>, values: object): Buffer {
  const writer = new SlicingWriter()
  codec.write(writer, values as never)
  return Buffer.concat(writer.chunks())
}

/** What was read once must come back the same, written and read again. */
function assertStable(codec: TableCodec<Table>, values: object): void {
  let bytes
  try {
    bytes = written(codec, values)
  } catch (error) {
    // A 64 bit number that was rounded, or text that was mended and grew, is not written by anybody.
    if (error instanceof RangeError || error instanceof AssertionError) return
    throw error
  }
  assert.deepStrictEqual(codec.read(new Reader(bytes)), values)
}

function valueThereAndBack(random: SimRandom, codec: TableCodec<Table>, fields: Table, version: number): Buffer {
  const values = tableValue(random, fields, version)
  const bytes = written(codec, values)
  const reader = new Reader(bytes)
  const found = codec.read(reader)
  assert.equal(reader.remaining, 0)
  assertCovers(found, values)
  return bytes
}

const oneOf = (random: SimRandom): { api: Api; version: number } => {
  const api = pick(random, apis)
  return { api, version: api.versionMin + random.below(api.versionMax - api.versionMin + 1) }
}

/** A request without its size, as `Frames` gives it out. */
const request: Codec = {
  name: 'kafka-request',
  seeds: requests,
  roundTrip(random) {
    const { api, version } = oneOf(random)
    const head = new SlicingWriter()
    head.i16(api.key)
    head.i16(version)
    head.i32(random.below(1000))
    head.i16(4)
    head.utf8('fuzz')
    if (isFlexible(api, version)) head.uvarint(0)
    const body = valueThereAndBack(random, requestCodec(api, version), api.request, version)
    return Buffer.concat([...head.chunks(), body])
  },
  take(input) {
    let accepted = false
    const malformed = refused(() => {
      const header = readHeader(input)
      const api = apiOf(header.apiKey)
      if (api === undefined || !isSupported(api, header.apiVersion)) return
      const values = readRequest(api, header.apiVersion, header.body)
      assertStable(requestCodec(api, header.apiVersion), values)
      accepted = true
    }, MalformedError)
    return !malformed && accepted
  },
}

/** What the broker answered, as `response` takes it: the requests say what it is. */
function answersIn({ client, broker }: Conversation): Buffer[] {
  const asked = new Map(framesOf(client).map((frame) => [frame.readInt32BE(4), frame]))
  return framesOf(broker).flatMap((frame) => {
    const question = asked.get(frame.readInt32BE(0))
    const api = question && apiOf(question.readInt16BE(0))
    if (api === undefined) return []
    const version = question!.readInt16BE(2)
    // ApiVersions has no tagged fields in its header; all others have none that are set.
    const headBytes = isFlexible(api, version) && api !== APIS.apiVersions ? 5 : 4
    return [Buffer.concat([Buffer.from([apis.indexOf(api), version - api.versionMin]), frame.subarray(headBytes)])]
  })
}

/** Number of an API and of a version, then a response's body. */
const response: Codec = {
  name: 'kafka-response',
  seeds: conversations.flatMap(answersIn),
  roundTrip(random) {
    const { api, version } = oneOf(random)
    const body = valueThereAndBack(random, responseCodec(api, version), api.response, version)
    return Buffer.concat([Buffer.from([apis.indexOf(api), version - api.versionMin]), body])
  },
  take(input) {
    if (input.length < 2) return false
    const api = apis[input[0]! % apis.length]!
    const version = api.versionMin + (input[1]! % (api.versionMax - api.versionMin + 1))
    const codec = responseCodec(api, version)
    return !refused(() => assertStable(codec, codec.read(new Reader(input, 2))), MalformedError)
  },
}

const frameBytesMax = 1024 * 1024

function cut(chunks: readonly Buffer[]): string[] {
  const frames = new Frames(frameBytesMax)
  const found: string[] = []
  try {
    for (const chunk of chunks) {
      frames.push(chunk)
      for (let frame = frames.next(); frame !== null; frame = frames.next()) found.push(frame.toString('hex'))
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    found.push(error.message)
  }
  return found
}

function sized(frame: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return Buffer.concat([size, frame])
}

/** A stream of requests with their sizes, in chunks. */
const stream: Codec = {
  name: 'kafka-stream',
  seeds: [
    ...Array.from({ length: 20 }, (_, i) => Buffer.concat(older.slice(i * 3, i * 3 + 3).map(sized))),
    ...conversations.map(({ client }) => client),
  ],
  take(input, random) {
    const whole = cut([input])
    assert.deepStrictEqual(cut(chunksOf(input, random)), whole)
    return whole.length > 0
  },
}

export const kafkaCodecs: readonly Codec[] = [request, response, stream]
