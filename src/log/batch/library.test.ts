import assert from 'node:assert/strict'
import test from 'node:test'
import { lazily, LibraryMissing } from './library.ts'

test('a library is loaded once, when it is needed', () => {
  const snappy = lazily('snappy')
  assert.equal(snappy(), snappy())
})

test('a library that cannot be loaded is not a malformed batch', () => {
  const missing = lazily('dragoman-has-no-such-library')
  assert.throws(() => missing(), LibraryMissing)
})
