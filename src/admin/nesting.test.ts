import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nestsDeeper } from './nesting.ts'

test('depth is counted outside of text only', () => {
  const deeper = (text: string): boolean => nestsDeeper(Buffer.from(text), 2)
  assert.equal(deeper('[{"a":1},{"b":[]}]'), true)
  assert.equal(deeper('[[],[],{}]'), false)
  assert.equal(deeper(String.raw`["[[[[\"[[["]`), false)
  assert.equal(deeper('[[['), true)
})
