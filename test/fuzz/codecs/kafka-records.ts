import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync as compressSnappy } from 'snappy'
import { crc32c, MalformedError, Writer } from '../../../src/base/index.ts'
import { decodeProperties } from '../../../src/core/message.ts'
import { propertiesOf, recordHeadersOf } from '../../../src/core/interchange.ts'
import { codecs, decompress } from '../../../src/log/batch/compression.ts'
import { BatchBuilder, batchHeader, checkRecords, RecordTable } from '../../../src/log/index.ts'
import { SimRandom } from '../../../src/world/sim/random.ts'
import { refused, type Codec } from '../codec.ts'

const { batchHeaderBytes, crcStart, crcPosition, compressionMask } = batchHeader
/** Where a batch's attributes say how it is compressed. */
const codecAt = 22

const compressors: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => bytes,
  (bytes) => zlib.gzipSync(bytes, { level: 1 }),
  (bytes) => compressSnappy(bytes),
  (bytes) => compressFrameSync(bytes),
  (bytes) => zlib.zstdCompressSync(bytes),
]

interface Made {
  key: Buffer | null
  value: Buffer | null
}

const part = (random: SimRandom): Buffer | null => (random.once(4) ? null : random.bytes(random.below(20)))

function made(random: SimRandom): { batch: Buffer; records: Made[] } {
  const builder = new BatchBuilder()
  const records = Array.from({ length: 1 + random.below(4) }, () => ({ key: part(random), value: part(random) }))
  records.forEach(({ key, value }, i) => builder.add(1_700_000_000_000 + i * random.below(3), key, value))
  return { batch: builder.finish(), records }
}

/** Three records as a producer makes them, with headers. */
function withHeaders(): Buffer {
  const out = new Writer(256)
  const records = [0, 1, 2].map((i) => {
    out.reset()
    out.u8(0)
    out.varint(i)
    out.varint(i)
    out.varint(1)
    out.utf8('k')
    out.varint(5)
    out.utf8('value')
    out.varint(3)
    for (const [name, value] of [
      ['content-type', 'a/b'],
      ['priority', '7'],
      ['reply-to', '$address.a.b'],
    ] as const) {
      out.varint(name.length)
      out.utf8(name)
      out.varint(value.length)
      out.utf8(value)
    }
    const body = out.finish()
    out.varint(body.length)
    out.bytes(body)
    return out.finish()
  })
  const head = new BatchBuilder()
  for (let i = 0; i < 3; i++) head.add(1000, null, null)
  return Buffer.concat([head.finish().subarray(0, batchHeaderBytes), ...records])
}

/** Length, magic, counts and checksum made right; the records compressed as the attributes say. */
function mended(input: Buffer, compress: boolean): Buffer {
  if (input.length < batchHeaderBytes) return input
  const codec = input[codecAt]! % compressors.length
  const records = input.subarray(batchHeaderBytes)
  const batch = Buffer.concat([input.subarray(0, batchHeaderBytes), compress ? compressors[codec]!(records) : records])
  batch.writeInt32BE(batch.length - 12, 8)
  batch[16] = 2
  batch[21] = 0
  batch[codecAt] = codec
  const count = 1 + ((batch.readUInt16BE(59) + 4) % 5)
  batch.writeInt32BE(count, 57)
  batch.writeInt32BE(count - 1, 23)
  batch.writeInt32BE(0, 27)
  batch.writeUInt32BE(crc32c(batch.subarray(crcStart)), crcPosition)
  return batch
}

/** All that consumers of any protocol ask of a batch that was let in. */
function readAll(table: RecordTable, foreign: boolean): void {
  for (let i = 0; i < table.count; i++) {
    table.key(i)
    table.value(i)
    table.timestamp(i)
    if (foreign) recordHeadersOf(decodeProperties(table.envelope(i)))
    else recordHeadersOf(propertiesOf(table, i, false))
  }
}

const isBatch = (input: Buffer): boolean =>
  input.length >= batchHeaderBytes && batchHeader.batchBytes(input) === input.length

/** A record batch as Produce takes it, behind the checks of its header. */
const records: Codec = {
  name: 'kafka-records',
  seeds: [withHeaders(), made(new SimRandom(1)).batch],
  // What a compressed batch expands to is bounded by itself; see the codec `compression`.
  memory: { free: 64 * 1024, perByte: 2000 },
  roundTrip(random) {
    const { batch, records: expected } = made(random)
    batch[codecAt] = random.below(compressors.length)
    const whole = mended(batch, true)
    whole.writeInt32BE(expected.length, 57)
    checkRecords(whole)
    const table = new RecordTable(whole)
    assert.deepStrictEqual(
      Array.from(expected, (_, i) => ({ key: table.key(i), value: table.value(i) })),
      expected,
    )
    return batch
  },
  mend: (input) => mended(input, true),
  take(input) {
    if (!isBatch(input)) return false
    if (refused(() => checkRecords(input), MalformedError)) return false
    const table = new RecordTable(input)
    readAll(table, false)
    const copy = new BatchBuilder()
    for (let i = 0; i < table.count; i++) copy.copy(table, i)
    const copied = copy.finish()
    checkRecords(copied)
    const again = new RecordTable(copied)
    for (let i = 0; i < table.count; i++) {
      assert.deepStrictEqual(again.key(i), table.key(i))
      assert.deepStrictEqual(again.headerBytes(i), table.headerBytes(i))
    }
    return true
  },
}

const bytesMax = 1024 * 1024
const text = Buffer.from('one two three four five, one two three four five. '.repeat(20))
const bomb = Buffer.alloc(3 * bytesMax)
const snappyStream = (blocks: readonly Buffer[]): Buffer => {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  return Buffer.concat([head, ...blocks.map((block) => Buffer.concat([Buffer.from([0, 0, 0, block.length]), block]))])
}

/** Number of a codec, then compressed bytes: bounded by what they expand to, whatever they claim. */
const compression: Codec = {
  name: 'compression',
  seeds: [1, 2, 3, 4].flatMap((codec) => {
    const compressed = [text, bomb.subarray(0, 5000), bomb].map((bytes) => compressors[codec]!(bytes))
    if (codec === codecs.snappy) compressed.push(snappyStream([compressSnappy(text), compressSnappy(text)]))
    return compressed
      .filter(({ length }) => length < 16_000)
      .map((bytes) => Buffer.concat([Buffer.from([codec]), bytes]))
  }),
  memory: { free: 3 * bytesMax, perByte: 600 },
  take(input) {
    if (input.length === 0) return false
    let taken = false
    refused(() => {
      const expanded = decompress(input[0]! & compressionMask, input.subarray(1), bytesMax)
      assert.ok(expanded.length <= bytesMax, `expands to ${expanded.length} bytes`)
      taken = true
    }, MalformedError)
    return taken
  },
}

export const recordCodecs: readonly Codec[] = [records, compression]
