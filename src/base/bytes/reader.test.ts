import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedError, Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** Around every length of a varint, and where shifting integers ends. */
const magnitudes = fc
  .integer({ min: 0, max: 52 })
  .chain((bits) => fc.integer({ min: -2, max: 2 }).map((by) => Math.max(0, 2 ** bits + by)))
const numbers = fc.oneof(magnitudes, fc.maxSafeNat())

test('varints come back as they were written, one after the other', () => {
  const property = fc.property(fc.array(numbers, { maxLength: 10 }), (values) => {
    const writer = new Writer(0)
    for (const value of values) writer.uvarint(value)
    const reader = new Reader(writer.finish())
    for (const value of values) assert.equal(reader.uvarint(), value)
    assert.equal(reader.remaining, 0)
  })
  fc.assert(property)
})

test('signed varints, too', () => {
  const signed = fc.tuple(numbers, fc.boolean()).map(([value, minus]) => {
    const half = Math.floor(value / 2)
    return minus ? -half - 1 : half
  })
  const property = fc.property(signed, (value) => {
    const writer = new Writer(0)
    writer.varint(value)
    const reader = new Reader(writer.finish())
    assert.equal(reader.varint(), value)
    assert.equal(reader.remaining, 0)
  })
  fc.assert(property)
})

test('a varint that ends early or never is malformed, and is not read beyond the end of what it lies in', () => {
  const ended = (bytes: number): Reader => new Reader(Buffer.alloc(20, 0x80), 0, bytes)
  for (let bytes = 0; bytes <= 20; bytes++) assert.throws(() => ended(bytes).uvarint(), MalformedError)
})
