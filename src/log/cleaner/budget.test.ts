import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimTime } from '../../world/sim/time.ts'
import { adjusted, Budget, bytesPerSecond, shareUsed } from './budget.ts'

const megabyte = 1_000_000
const load = { ingestedBytes: 0, commitP99Ms: 0, commitP99IdleMs: 0 }

test('C4: half of what comes in and 20 MB/s, less while commits suffer', () => {
  assert.equal(bytesPerSecond(100 * megabyte, 1, 0.5), 70 * megabyte)
  assert.equal(bytesPerSecond(0, 0.5, 0.5), 10 * megabyte)
  assert.equal(adjusted(1, { ...load, commitP99Ms: 3, commitP99IdleMs: 1 }), 0.5)
  assert.equal(adjusted(0.5, { ...load, commitP99Ms: 1.9, commitP99IdleMs: 1 }), 0.5625)
  assert.equal(adjusted(1 / 16, { ...load, commitP99Ms: 9, commitP99IdleMs: 1 }), 1 / 16)
})

test('C4: above 80 % of the disk at least what comes in, above 90 % whatever the commits say', () => {
  assert.equal(bytesPerSecond(100 * megabyte, 1, 0.85), 100 * megabyte)
  assert.equal(bytesPerSecond(100 * megabyte, 1 / 16, 0.85), 50 * megabyte)
  assert.equal(bytesPerSecond(100 * megabyte, 1 / 16, 0.95), 100 * megabyte)
})

test('C4: a disk that others have filled is no reason to hurry while the log has room', () => {
  const space = { freeBytes: 10_000 * megabyte, totalBytes: 100_000 * megabyte }
  assert.equal(shareUsed(space, 5000 * megabyte), 0.9)
  assert.equal(shareUsed(space, 1000 * megabyte), 0.8)
  assert.equal(shareUsed({ freeBytes: Infinity, totalBytes: Infinity }, 1), 0)
})

test('steps pass at the rate, after what was saved up', async () => {
  const time = new SimTime()
  const budget = new Budget(time, time, () => load)
  const started = time.monotonic()
  for (let step = 0; step < 62; step++) await time.until(budget.take(megabyte))
  const seconds = (time.monotonic() - started) / 1000
  assert.ok(Math.abs(seconds - 3) < 0.2, `62 MB took ${seconds} s at 20 MB/s`)
})
