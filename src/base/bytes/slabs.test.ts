import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlabPool } from './slabs.ts'

test('what is taken together stands side by side, and what was given back is taken again', () => {
  const pool = new SlabPool(1000, 1)
  const lease = pool.lease()
  const [first, second, third] = [lease.take(400), lease.take(600), lease.take(1)]
  assert.equal(second.byteOffset, 400)
  assert.equal(second.buffer, first.buffer)
  assert.notEqual(third.buffer, first.buffer)
  assert.ok([first, second, third].every((part) => lease.has(part)))
  lease.clear()
  assert.equal(lease.has(first), false)
  const other = pool.lease()
  assert.equal(other.take(1000).buffer, first.buffer)
  assert.notEqual(other.take(1000).buffer, third.buffer, 'only one was kept')
})

test('more than a slab is memory of its own, which is never given to another', () => {
  const pool = new SlabPool(1000, 4)
  const lease = pool.lease()
  const large = lease.take(1001)
  assert.equal(lease.has(large), false)
  lease.clear()
  assert.notEqual(pool.lease().take(1000).buffer, large.buffer)
})
