import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sameBytes } from './same-bytes.ts'

test('the same bytes are the same, short and long, wherever they stand', () => {
  const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.nat(99), (before, some, after, changed) => {
      const whole = Buffer.concat([before, some, after])
      const end = before.length + some.length
      assert.ok(sameBytes(whole, before.length, end, some))
      const other = Buffer.from(some)
      if (changed < other.length) other[changed]! ^= 1
      assert.equal(sameBytes(whole, before.length, end, other), changed >= other.length)
      assert.equal(sameBytes(whole, before.length, end, Buffer.concat([some, before])), before.length === 0)
    }),
  )
})
