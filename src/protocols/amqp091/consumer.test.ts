import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumer, Pool } from './consumer.ts'
import { limits } from './limits.ts'

const consumer = (prefetch: number, noAck = false): Consumer => {
  const facts = {
    tag: 't',
    channel: 1,
    queue: 'q',
    subscription: 1,
    exclusive: false,
    priority: 0,
    countsDeliveries: false,
  }
  const made = new Consumer({ ...facts, noAck, prefetch })
  made.id = 7
  return made
}
const messages = (c: Consumer): number => {
  const due = c.due()
  return due !== null && 'consumer' in due ? due.messages : 0
}

test('with a prefetch of n, at most n are unsettled', () => {
  const c = consumer(3)
  assert.equal(messages(c), 3)
  assert.equal(messages(c), 0)
  c.delivered(3, 300)
  assert.equal(messages(c), 0)
  c.settled(1)
  assert.equal(messages(c), 1)
})

test('without prefetch a window is granted, and topped up when half of it is used', () => {
  const c = consumer(0)
  assert.equal(messages(c), limits.windowMessages)
  c.delivered(limits.windowMessages / 2 - 1, 100)
  assert.equal(messages(c), 0)
  c.delivered(1, 1)
  assert.equal(messages(c), limits.windowMessages / 2)
})

test('bytes are topped up also while messages are not', () => {
  const c = consumer(0)
  c.due()
  c.delivered(1, limits.windowBytes)
  const due = c.due()
  assert.ok(due !== null && 'consumer' in due)
  assert.equal(due.bytes, limits.windowBytes)
})

test('what needs no acknowledgement does not count against a prefetch', () => {
  const c = consumer(1, true)
  assert.equal(messages(c), limits.windowMessages)
  c.delivered(10, 10)
  assert.equal(c.unacked, 0)
})

test('a pool bounds its consumers together', () => {
  const pool = new Pool(1, 5)
  const a = consumer(0)
  const b = consumer(0)
  a.pool = b.pool = pool
  assert.equal(pool.due(), 5)
  pool.granted += 5
  a.delivered(3, 3)
  b.delivered(2, 2)
  assert.equal(pool.due(), 0)
  a.settled(2)
  assert.equal(pool.due(), 2)
  pool.granted += 2
  pool.prefetch = 2
  assert.equal(pool.due(), -2)
})
