import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { coalesce } from './output.ts'

test('coalescing changes no byte', () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(new Uint8Array(5000).fill(7)))
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
      assert.ok(Buffer.concat(coalesce(chunks)).equals(Buffer.concat(chunks)))
    }),
  )
})

test('small chunks are joined, large ones are passed as they are', () => {
  const large = new Uint8Array(5000)
  const slice = new Uint8Array(1024 * 1024).subarray(0, 5000)
  const small = new Uint8Array(10)
  const out = coalesce([small, small, large, small, small, small])
  assert.deepEqual(
    out.map((chunk) => chunk.length),
    [20, 5000, 30],
  )
  assert.equal(out[1], large)
  const [run, ...others] = coalesce([small, slice, small])
  assert.equal(run?.length, 5020, 'a slice would keep the whole slab')
  assert.equal(others.length, 0)
})
