import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Writer } from '../base/index.ts'
import { BatchBuilder, RecordTable } from '../log/index.ts'
import { encodeProperties } from './message.ts'
import type { Properties } from './message.ts'
import { recordHeaders, recordProperties } from './record-headers.ts'

/** A record as a log client writes it: headers between value and end. */
function plainRecord(headers: [string, Buffer | null][]): { foreign: false; table: RecordTable } {
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
  return { foreign: false, table: new RecordTable(batch.finish()) }
}

test('plain headers are read as properties, the rest stay headers in order', () => {
  const p = recordProperties(
    plainRecord([
      ['x', Buffer.from([0xff])],
      ['content-type', Buffer.from('text/plain')],
      ['correlation-id', Buffer.from([1, 2])],
      ['reply-to', Buffer.from('replies.eu')],
      ['priority', Buffer.from('high')],
      ['x', null],
    ]),
    0,
  )
  assert.deepEqual(p, {
    timestamp: 1000,
    contentType: 'text/plain',
    correlationId: Buffer.from([1, 2]),
    replyTo: { kind: 'log', name: ['replies', 'eu'] },
    headers: [
      { name: 'x', value: { type: 'bytes', value: Buffer.from([0xff]) } },
      { name: 'priority', value: { type: 'bytes', value: Buffer.from('high') } },
      { name: 'x', value: { type: 'null' } },
    ],
  })
})

test('properties stand as plain headers', () => {
  const headers = recordHeaders({
    correlationId: Buffer.from('7'),
    replyTo: { kind: 'address', name: ['a b', 'c'] },
    priority: 4,
    headers: [
      { name: 'n', value: { type: 'i64', value: 12n } },
      { name: 'm', value: { type: 'map', value: [{ name: 'k', value: { type: 'bool', value: true } }] } },
      { name: 'none', value: { type: 'null' } },
    ],
  })
  assert.deepEqual(
    headers.map(({ key, value }) => [key, value?.toString() ?? null]),
    [
      ['correlation-id', '7'],
      ['reply-to', 'a_x20b.c'],
      ['priority', '4'],
      ['n', '12'],
      ['m', '{"k":true}'],
      ['none', null],
    ],
  )
})

test('an envelope is read back as it was written', () => {
  const p: Properties = { contentType: 'a/b', headers: [{ name: 'h', value: { type: 'utf8', value: 'w' } }] }
  const builder = new BatchBuilder()
  builder.add(1, null, null, encodeProperties(p))
  assert.deepEqual(recordProperties({ foreign: true, table: new RecordTable(builder.finish()) }, 0), p)
})
