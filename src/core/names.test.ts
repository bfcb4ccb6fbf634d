import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nameCodec, plainNames } from './names.ts'

const kafka = nameCodec({ separator: '.', allowed: (c) => /[A-Za-z0-9_-]/.test(c), escape: '_x' })
const slash = nameCodec({ separator: '/', allowed: (c) => !'+#\0'.includes(c), escape: '%' })
const hard = fc.array(
  fc.constantFrom('%', '2', '5', 'F', 'E', '.', '/', '_', 'x', '5F', '_x2F', '_x5F', '%25', '%2F', 'a', '\xff', '+'),
)
const text = fc.oneof(
  hard.map((parts) => parts.join('')),
  fc.uint8Array({ maxLength: 20 }).map((b) => Buffer.from(b).toString('latin1')),
)

for (const [name, codec] of Object.entries({ kafka, slash, plainNames })) {
  test(`${name}: levels survive encode and decode`, () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (levels) => {
        assert.deepEqual(codec.decode(codec.encode(levels)), levels)
      }),
      { numRuns: 3000 },
    )
  })
  test(`${name}: wire names survive decode and encode`, () => {
    const legal = text
      .filter((w) => name !== 'kafka' || /^[A-Za-z0-9._-]*$/.test(w))
      // eslint-disable-next-line no-control-regex -- control characters are what other protocols may not name
      .filter((w) => name === 'kafka' || !/[+#\s\x00-\x20\x7f]/.test(w))
    fc.assert(
      fc.property(legal, (wire) => assert.equal(codec.encode(codec.decode(wire)), wire)),
      { numRuns: 3000 },
    )
  })
}

test('only canonical escapes are decoded', () => {
  assert.deepEqual(slash.decode('a%2Fb/c%41%2f'), ['a/b', 'c%41%2f'])
  assert.equal(slash.encode(['a.b', 'c']), 'a.b/c')
  assert.equal(kafka.encode(['a/b', 'c']), 'a_x2Fb.c')
})
