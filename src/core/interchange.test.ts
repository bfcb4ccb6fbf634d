import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Writer } from '../base/index.ts'
import { BatchBuilder, RecordTable } from '../log/index.ts'
import { parseReplyTo, propertiesOf, recordHeadersOf, replyToText, valueText } from './interchange.ts'
import { encodeProperties, type Properties } from './message.ts'

test('properties of a foreign record come from its envelope', () => {
  const builder = new BatchBuilder()
  const p: Properties = { contentType: 'text/plain', headers: [{ name: 'n', value: { type: 'i32', value: 7 } }] }
  builder.add(0, null, null, encodeProperties(p))
  assert.deepEqual(propertiesOf(new RecordTable(builder.finish()), 0, true), p)
})

test('well-known names are properties to others and headers to Kafka; the rest stays', () => {
  const headers = recordHeadersOf({
    contentType: 'text/plain',
    correlationId: Buffer.from([1, 255]),
    replyTo: { kind: 'address', name: ['resp', 'a.b'] },
    priority: 3,
    headers: [
      { name: 'n', value: { type: 'i32', value: 7 } },
      { name: 'z', value: { type: 'null' } },
    ],
  })
  assert.deepEqual(
    headers.map(({ key, value }) => [key, value?.toString('latin1')]),
    [
      ['content-type', 'text/plain'],
      ['correlation-id', '\x01\xff'],
      ['reply-to', '$address.resp.a%2Eb'],
      ['priority', '3'],
      ['n', '7'],
      ['z', undefined],
    ],
  )
})

test('a reply-to is a log by default, an address behind its prefix', () => {
  assert.deepEqual(parseReplyTo('jobs.eu'), { kind: 'log', name: ['jobs', 'eu'] })
  assert.deepEqual(parseReplyTo('$address.a%2Eb.c'), { kind: 'address', name: ['a.b', 'c'] })
  for (const text of ['jobs', '$address.resp.1', 'a%2Eb']) assert.equal(replyToText(parseReplyTo(text)), text)
})

test('values as text', () => {
  assert.equal(valueText({ type: 'decimal', scale: 2, value: -5 }), '-0.05')
  assert.equal(valueText({ type: 'i64', value: 2n ** 60n }), String(2n ** 60n))
  assert.equal(valueText({ type: 'map', value: [{ name: 'a', value: { type: 'bool', value: true } }] }), '{"a":true}')
})

test('headers of a record that a Kafka producer made: the well-known ones are properties', () => {
  const table = plainRecord([
    ['x', Buffer.from([0xff])],
    ['content-type', Buffer.from('text/plain')],
    ['correlation-id', Buffer.from([1, 2])],
    ['reply-to', Buffer.from('replies.eu')],
    ['priority', Buffer.from('high')],
    ['x', null],
  ])
  assert.deepEqual(propertiesOf(table, 0, false), {
    timestamp: 1000,
    contentType: 'text/plain',
    correlationId: Buffer.from([1, 2]),
    replyTo: { kind: 'log', name: ['replies', 'eu'] },
    headers: [
      { name: 'x', value: { type: 'bytes', value: Buffer.from([0xff]) } },
      { name: 'priority', value: { type: 'utf8', value: 'high' } },
      { name: 'x', value: { type: 'null' } },
    ],
  })
})

test('a header may have any name, also one that every object has', () => {
  const headers = propertiesOf(plainRecord([['constructor', Buffer.from('c')]]), 0, false).headers
  assert.deepEqual(headers, [{ name: 'constructor', value: { type: 'utf8', value: 'c' } }])
})

/** A record as a Kafka producer writes it: headers between value and end. */
function plainRecord(headers: [string, Buffer | null][]): RecordTable {
  const builder = new BatchBuilder()
  builder.add(1000, null, Buffer.from('v'))
  const bare = builder.finish()
  const record = new Writer()
  record.bytes(bare.subarray(62, -1))
  record.varint(headers.length)
  for (const [key, value] of headers) {
    record.varint(key.length)
    record.utf8(key)
    record.varint(value === null ? -1 : value.length)
    if (value !== null) record.bytes(value)
  }
  const batch = new Writer()
  batch.bytes(bare.subarray(0, 61))
  batch.varint(record.length)
  batch.bytes(record.view())
  batch.buffer.writeInt32BE(batch.length - 12, 8)
  return new RecordTable(batch.finish())
}
