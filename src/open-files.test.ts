import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareOpenFiles } from './open-files.ts'

test('a flood of connections leaves files for the log', () => {
  assert.deepEqual(shareOpenFiles(Infinity), { clients: Infinity, http: 512, reading: 64 })
  assert.deepEqual(shareOpenFiles(20_000), { clients: 19_360, http: 512, reading: 64 })
  assert.deepEqual(shareOpenFiles(1024), { clients: 776, http: 120, reading: 64 })
  assert.deepEqual(shareOpenFiles(128), { clients: 48, http: 8, reading: 8 })
  assert.equal(shareOpenFiles(127), null)
})
