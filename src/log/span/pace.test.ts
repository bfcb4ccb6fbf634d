import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paces } from './pace.ts'

test('who is near goes as far as a window behind the last one, who is ahead of that waits', () => {
  assert.deepEqual(paces([130, 100, 199, 200, 299], 100), [200, 200, 200, 'later', 'later'])
})

test('who is elsewhere, or at a place that is not known, goes as far as it likes', () => {
  assert.deepEqual(paces([1000, null, 100, 300, 5], 100), [null, null, 105, null, 105])
  assert.deepEqual(paces([null, 7], 100), [null, null])
  assert.deepEqual(paces([], 100), [])
})

test('one that waits for somebody does so for one who moves on', () => {
  const places = Array.from({ length: 50 }, (_, i) => (i * i * 37) % 1000)
  const found = paces(places, 50)
  for (const [i, pace] of found.entries()) {
    if (pace !== 'later') continue
    assert.ok(places.some((place, j) => place < places[i]! && places[i]! - place < 100 && found[j] !== 'later'))
  }
  assert.ok(found.some((pace) => pace === 'later'))
})
