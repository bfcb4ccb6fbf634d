import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedError, Reader } from '../../../base/index.ts'
import { APIS, isFlexible } from './apis.ts'
import { compile } from './codec.ts'
import { readHeader, readRequest } from './request.ts'
import { inRange } from './schema.ts'
import type { Api, Field, Table } from './schema.ts'
import { SlicingWriter } from './writer.ts'

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })

function valueOf(field: Field, version: number): fc.Arbitrary<unknown> {
  const value = plainValueOf(field, version)
  return field.nullable !== undefined && inRange(field.nullable, version) ? fc.oneof(value, fc.constant(null)) : value
}

function plainValueOf(field: Field, version: number): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return int(8)
    case 'int16':
      return int(16)
    case 'int32':
      return int(32)
    case 'int64':
      return fc.maxSafeInteger()
    case 'string':
      return fc.string({ maxLength: 40, unit: 'grapheme' })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 6000, size: 'large' }).map((bytes) => Buffer.from(bytes))
    case 'array':
      return fc.array(messageOf(field.fields ?? [], version), { maxLength: 3 })
    case 'struct':
      return messageOf(field.fields ?? [], version)
    default:
      return fc.array(plainValueOf({ name: '', type: field.type.slice(2) as 'int32' }, version), { maxLength: 4 })
  }
}

function messageOf(fields: Table, version: number): fc.Arbitrary<Record<string, unknown>> {
  const present = fields.filter((field) => inRange(field.versions, version))
  return fc.record(Object.fromEntries(present.map((field) => [field.name, valueOf(field, version)])))
}

/** Whatever was written comes back; the decoder may add the fields that the version lacks. */
function holds(read: unknown, written: unknown): void {
  if (Buffer.isBuffer(written)) assert.ok(written.equals(read as Buffer))
  else if (Array.isArray(written)) {
    assert.equal((read as unknown[]).length, written.length)
    written.forEach((one, i) => holds((read as unknown[])[i], one))
  } else if (written !== null && typeof written === 'object') {
    for (const [name, value] of Object.entries(written)) holds((read as Record<string, unknown>)[name], value)
  } else assert.equal(read, written)
}

function roundTrips(one: Api, table: Table, version: number): void {
  const codec = compile(table, version, isFlexible(one, version))
  const check = (message: Record<string, unknown>) => {
    const writer = new SlicingWriter()
    codec.write(writer, message as never)
    const bytes = Buffer.concat(writer.chunks())
    assert.equal(bytes.length, writer.total)
    const reader = new Reader(bytes)
    holds(codec.read(reader), message)
    assert.equal(reader.remaining, 0)
    if (bytes.length > 0) assert.throws(() => codec.read(new Reader(bytes.subarray(0, -1))), MalformedError)
  }
  fc.assert(fc.property(messageOf(table, version), check), { numRuns: 15 })
}

for (const one of Object.values(APIS) as Api[]) {
  test(`${one.name}: what is written in any version is read back, and no shorter input is`, () => {
    for (let version = one.versionMin; version <= one.versionMax; version++) {
      roundTrips(one, one.request, version)
      roundTrips(one, one.response, version)
    }
  })
}

test('an unknown tagged field is skipped (KIP-482)', () => {
  const codec = compile(APIS.heartbeat.request, 4, true)
  const writer = new SlicingWriter()
  codec.write(writer, { groupId: 'g', generationId: 1, memberId: 'm' })
  const bytes = Buffer.concat([writer.view().subarray(0, -1), Buffer.from([1, 9, 3, 1, 2, 3])])
  const reader = new Reader(bytes)
  assert.equal(codec.read(reader).memberId, 'm')
  assert.equal(reader.remaining, 0)
})

test('an array that claims more than there is, is refused before anything is made', () => {
  const codec = compile(APIS.metadata.request, 1, false)
  assert.throws(() => codec.read(new Reader(Buffer.from([0x7f, 0xff, 0xff, 0xff]))), MalformedError)
  assert.throws(() => codec.read(new Reader(Buffer.from([0xff, 0xff, 0xff, 0xfe]))), MalformedError)
})

test('large records leave as the slices they were given', () => {
  const records = Buffer.alloc(50_000, 7)
  const codec = compile(APIS.fetch.response, 12, true)
  const writer = new SlicingWriter()
  const partitions = [
    { partitionIndex: 0, errorCode: 0, highWatermark: 5, abortedTransactions: null, records: [records] },
  ]
  codec.write(writer, { throttleTimeMs: 0, responses: [{ topic: 't', partitions }] })
  assert.ok(writer.chunks().includes(records))
})

test('a request of very many items of two bytes is refused before it fills the memory', () => {
  const { metadata } = APIS
  const head = Buffer.from([0, metadata.key, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0])
  // 100,001 topics, each an empty name and no tagged fields.
  const count = Buffer.from([0xa2, 0x8d, 0x06])
  const { body } = readHeader(Buffer.concat([head, count, Buffer.alloc(300_000, 1)]))
  assert.throws(() => readRequest(metadata, 9, body), /more than 100000 items/)
})
