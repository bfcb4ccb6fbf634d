import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionsMaxWithin } from './connections-max.ts'

test('a flood of connections leaves files for the log', () => {
  assert.equal(connectionsMaxWithin(20_000, Infinity), 20_000)
  assert.equal(connectionsMaxWithin(20_000, 1_048_576), 20_000)
  assert.equal(connectionsMaxWithin(20_000, 20_000), 17_952)
  assert.equal(connectionsMaxWithin(20_000, 256), 128)
  assert.equal(connectionsMaxWithin(100, 256), 100)
})
