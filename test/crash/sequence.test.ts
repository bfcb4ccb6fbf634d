import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sequence } from './sequence.ts'

const after = (again: boolean, numbers: number[]): Sequence => {
  const sequence = new Sequence({ name: 'it', again })
  for (const n of numbers) sequence.see(n)
  return sequence
}

test('what is missing or early is found at once', () => {
  assert.throws(() => after(true, [0, 1, 3]), /it: 3 came, 2 was next: lost or out of order/)
  assert.throws(() => after(false, [1]), /1 came, 0 was next/)
  assert.throws(() => after(true, [0, NaN]), /NaN was never sent/)
})

test('a number that comes again is an error, or counted', () => {
  assert.throws(() => after(false, [0, 1, 0]), /it: 0 came again, 2 was next/)
  const sequence = after(true, [0, 1, 2, 1, 2, 3])
  assert.deepEqual([sequence.next, sequence.duplicates], [4, 2])
})
