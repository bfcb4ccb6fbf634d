import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reads } from './reads.ts'

test('one alone reads much, very many at once little each, and nobody nothing', () => {
  const reads = new Reads(1_000_000, { least: 1000, most: 100_000, part: 1 / 4 })
  assert.equal(reads.share(), 100_000)
  assert.equal(reads.share(800_000), 50_000)
  let sum = 0
  for (let i = 0; i < 400; i++) {
    const bytes = reads.share()
    reads.begin(bytes)
    sum += bytes
  }
  assert.ok(sum < 1_000_000 + 400 * 1000, `${sum}`)
  assert.equal(reads.share(), 1000)
  reads.end(sum)
  assert.equal(reads.share(), 100_000)
})
