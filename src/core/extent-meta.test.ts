import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedError } from '../base/index.ts'
import { decodeExtentMeta, encodeExtentMeta, plainMeta } from './extent-meta.ts'

/** With the prototype that object literals have. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true })
const id = fc.maxSafeNat()
const level = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const levels = fc.array(level, { maxLength: 4 })
const time = fc.option(id)
const history = record({
  log: levels,
  reason: fc.string(),
  count: fc.nat(),
  time: id,
  address: fc.option(record({ space: fc.string(), levels })),
})
const meta = record({
  publisher: id,
  address: fc.option(record({ space: id, levels })),
  routes: fc.array(id, { maxLength: 5 }),
  expiresAt: time,
  notBefore: time,
  priority: fc.nat(255),
  history: fc.array(history, { maxLength: 3 }),
  hops: fc.nat(16),
  messageId: fc.option(fc.string()),
  others: fc.array(record({ space: id, levels }), { maxLength: 2 }),
})

test('facts of a copy survive', () => {
  fc.assert(
    fc.property(meta, (m) => assert.deepEqual(decodeExtentMeta(encodeExtentMeta(m)), m)),
    { numRuns: 1000 },
  )
  assert.equal(encodeExtentMeta(plainMeta).length, 2)
})

test('anything else is refused, never taken for something', () => {
  fc.assert(
    fc.property(meta, fc.nat(), (m, cut) => {
      const bytes = encodeExtentMeta(m)
      assert.throws(() => decodeExtentMeta(bytes.subarray(0, cut % bytes.length)), MalformedError)
    }),
  )
  assert.throws(() => decodeExtentMeta(Buffer.from([9, 0])), MalformedError)
  assert.throws(() => decodeExtentMeta(Buffer.from([1, 4, 0xff, 0xff, 0x7f])), MalformedError)
})
