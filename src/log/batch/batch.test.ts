import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../base/index.ts'
import { BatchBuilder, batchHeader, RecordTable } from './index.ts'

test('what the builder writes, the table finds', () => {
  const builder = new BatchBuilder()
  builder.add(1000, null, Buffer.from('a'))
  builder.add(998, Buffer.from('k'), null, Buffer.from('envelope'))
  builder.add(1200, Buffer.alloc(0), Buffer.alloc(300, 7))
  const batch = builder.finish({ id: 7, epoch: 1, sequence: 5 })
  assert.equal(batchHeader.batchBytes(batch), batch.length)
  assert.equal(batchHeader.storedCrc(batch), crc32c(batch.subarray(21)))
  assert.equal(batchHeader.maxTimestamp(batch), 1200)
  assert.equal(batchHeader.producerId(batch), 7)
  const table = new RecordTable(batch)
  assert.equal(table.count, 3)
  assert.deepEqual(
    [0, 1, 2].map((i) => table.timestamp(i)),
    [1000, 998, 1200],
  )
  assert.deepEqual(
    [0, 1, 2].map((i) => table.key(i)?.toString()),
    [undefined, 'k', ''],
  )
  assert.deepEqual(
    [0, 1, 2].map((i) => table.value(i)?.length),
    [1, undefined, 300],
  )
  assert.equal(table.envelope(0), null)
  assert.equal(table.envelope(1)?.toString(), 'envelope')
  assert.equal(builder.count, 0)
})

test('an envelope is told from others without taking it out', () => {
  const builder = new BatchBuilder()
  const envelopes = [null, '', 'a', 'b', 'ab', 'x'.repeat(63), 'x'.repeat(64)].map((text) =>
    text === null ? null : Buffer.from(text),
  )
  for (const envelope of envelopes) builder.add(1000, null, Buffer.from('value'), envelope)
  const table = new RecordTable(builder.finish())
  envelopes.forEach((_, i) => {
    const same = envelopes.map((envelope) => table.hasEnvelope(i, envelope))
    const found = i === envelopes.length - 1 ? -1 : i
    assert.deepEqual(
      same,
      envelopes.map((_, other) => other === found),
    )
  })
})
