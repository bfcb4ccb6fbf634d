import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeProperties, encodeProperties, type Header, type Properties, type Value } from './message.ts'

const plain = { noNullPrototype: true } as const
const bytes = fc.uint8Array({ maxLength: 20 }).map((b) => Buffer.from(b))
const { value } = fc.letrec<{ value: Value; header: Header }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant<Value>({ type: 'null' }),
    fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }, plain),
    fc.record({ type: fc.constant('i8' as const), value: fc.integer({ min: -128, max: 127 }) }, plain),
    fc.record({ type: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }, plain),
    fc.record(
      { type: fc.constant('i64' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
      plain,
    ),
    fc.record({ type: fc.constant('u64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }, plain),
    fc.record({ type: fc.constant('f64' as const), value: fc.double({ noNaN: true }) }, plain),
    fc.record({ type: fc.constant('decimal' as const), scale: fc.nat(255), value: fc.integer() }, plain),
    fc.record({ type: fc.constant('utf8' as const), value: fc.string() }, plain),
    fc.record({ type: fc.constant('bytes' as const), value: bytes }, plain),
    fc.record({ type: fc.constant('list' as const), value: fc.array(tie('value'), { maxLength: 3 }) }, plain),
    fc.record({ type: fc.constant('map' as const), value: fc.array(tie('header'), { maxLength: 3 }) }, plain),
  ),
  header: fc.record({ name: fc.string(), value: tie('value') }, plain),
}))
const properties = fc.record<Properties>(
  {
    messageId: fc.string(),
    correlationId: bytes,
    replyTo: fc.record(
      { kind: fc.constantFrom('log', 'address'), name: fc.array(fc.constantFrom('', 'a', '\xff/.'), { minLength: 1 }) },
      plain,
    ),
    contentType: fc.string(),
    priority: fc.nat(255),
    timestamp: fc.integer({ min: -1, max: 2 ** 51 }),
    timeToLiveMs: fc.nat(),
    persistent: fc.boolean(),
    utf8: fc.boolean(),
    qos: fc.nat(2),
    headers: fc.array(fc.record({ name: fc.string(), value }, plain), { maxLength: 4 }),
    places: fc.array(fc.nat(), { maxLength: 4 }),
  },
  { requiredKeys: [], noNullPrototype: true },
)

test('an envelope gives back its properties, types and repeats included', () => {
  fc.assert(fc.property(properties, (p) => assert.deepEqual(decodeProperties(encodeProperties(p)), p)))
})

test('no properties, no envelope', () => {
  assert.equal(encodeProperties({}), null)
  assert.deepEqual(decodeProperties(null), {})
})
