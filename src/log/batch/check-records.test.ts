import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { MalformedError } from '../../base/index.ts'
import { BatchBuilder } from './builder.ts'
import { checkRecords, isTimestamp, timestampMax } from './check-records.ts'
import { RecordTable } from './record-table.ts'

const part = fc.option(fc.uint8Array({ maxLength: 20 }))
const batches = fc.array(fc.tuple(part, part, part), { minLength: 1, maxLength: 5 }).map((records) => {
  const builder = new BatchBuilder()
  for (const [key, value, envelope] of records) builder.add(5, key, value, envelope)
  return builder.finish()
})

function compressed(batch: Buffer): Buffer {
  const packed = Buffer.concat([batch.subarray(0, 61), gzipSync(batch.subarray(61))])
  packed.writeInt32BE(packed.length - 12, 8)
  packed.writeInt16BE(1, 21)
  return packed
}

test('what the builder makes passes, compressed too', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      checkRecords(batch)
      checkRecords(compressed(batch))
    }),
  )
})

test('whatever passes can be read to its last header', () => {
  const property = fc.property(batches, fc.nat(), fc.nat(255), (batch, at, byte) => {
    batch[61 + (at % (batch.length - 61))] = byte
    try {
      checkRecords(batch)
    } catch (error) {
      assert.ok(error instanceof MalformedError)
      return
    }
    const table = new RecordTable(batch)
    for (let i = 0; i < table.count; i++) {
      table.headers(i)
      assert.equal(table.offsetDelta(i), i)
    }
  })
  fc.assert(property, { numRuns: 2000 })
})

test('a count that is too small or too large is found', () => {
  const builder = new BatchBuilder()
  for (let i = 0; i < 3; i++) builder.add(1, null, Buffer.from('v'))
  const batch = builder.finish()
  for (const count of [2, 4]) {
    batch.writeInt32BE(count, 57)
    assert.throws(() => checkRecords(batch), MalformedError)
  }
})

test('junk that claims to be compressed is malformed', () => {
  const batch = compressed(new BatchBuilder().finish())
  batch.writeInt16BE(4, 21)
  assert.throws(() => checkRecords(batch), MalformedError)
})

test('a batch that expands to far more than it is worth is refused; one of repeated records is not', () => {
  const built = (count: number, value: Buffer): Buffer => {
    const builder = new BatchBuilder()
    for (let i = 0; i < count; i++) builder.add(5, null, value)
    return compressed(builder.finish())
  }
  assert.throws(() => checkRecords(built(16, Buffer.alloc(1024 * 1024))), MalformedError)
  checkRecords(built(10_000, Buffer.from('the same record again and again')))
  checkRecords(built(3, Buffer.alloc(1024 * 1024)))
})

test('times that are too far apart to be told from each other are refused', () => {
  assert.ok(isTimestamp(timestampMax) && isTimestamp(-1) && !isTimestamp(5e15))
  const builder = new BatchBuilder()
  for (const time of [timestampMax, -1, timestampMax]) builder.add(time, null, null)
  const table = new RecordTable(builder.finish())
  assert.deepEqual([table.timestamp(0), table.timestamp(1), table.timestamp(2)], [timestampMax, -1, timestampMax])
  for (const time of [1, 5e15]) builder.add(time, null, null)
  const batch = builder.finish()
  assert.throws(() => checkRecords(batch), MalformedError)
})
