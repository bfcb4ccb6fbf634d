import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { systemRandom } from './random.ts'
import { SystemTimers, systemTimers } from './timers.ts'

test('a timer runs once, not before its time, and not when it was cancelled', async () => {
  const began = systemClock.monotonic()
  let cancelled = false
  systemTimers.after(1, () => (cancelled = true)).cancel()
  await new Promise<void>((resolve) => void systemTimers.after(20, resolve))
  assert.ok(systemClock.monotonic() - began >= 19)
  assert.equal(cancelled, false)
})

test('a delay beyond what the runtime takes does not fire at once', async () => {
  let fired = false
  const timer = systemTimers.after(2 ** 40, () => (fired = true))
  await new Promise<void>((resolve) => void systemTimers.after(20, resolve))
  timer.cancel()
  assert.equal(fired, false)
})

test('stopping cancels what still waits', async () => {
  const timers = new SystemTimers()
  const fired: string[] = []
  timers.after(1, () => fired.push('before'))
  while (fired.length === 0) await new Promise<void>((resolve) => void systemTimers.after(1, resolve))
  timers.after(1, () => fired.push('after'))
  timers.stop()
  await new Promise<void>((resolve) => void systemTimers.after(10, resolve))
  assert.deepEqual(fired, ['before'])
})

test('the end of the turn comes once for all, and what is added there waits for the next', async () => {
  const order: string[] = []
  systemTimers.endOfTurn(() => {
    order.push('a')
    systemTimers.endOfTurn(() => order.push('c'))
  })
  systemTimers.endOfTurn(() => order.push('b'))
  assert.deepEqual(order, [])
  while (order.length < 3) await new Promise<void>((resolve) => void systemTimers.after(1, resolve))
  assert.deepEqual(order, ['a', 'b', 'c'])
})

test('chance stays within its bounds', () => {
  for (let count = 0; count < 100; count++) assert.ok(systemRandom.below(3) < 3)
  assert.equal(systemRandom.bytes(16).length, 16)
})
