import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader, Writer } from '../../base/index.ts'
import { DedupeWindow } from './dedupe.ts'
import { Producers, sequenceAfter } from './producers.ts'

const top = 0x7fff_ffff

test('what has no sequence or epoch, as journals of before it was refused may have, is not kept', () => {
  const producers = new Producers()
  producers.record({ id: 1, epoch: 0, sequence: -1 }, 1, 0, 77)
  producers.record({ id: 2, epoch: -1, sequence: 0 }, 1, 1, 77)
  assert.equal(producers.size, 0)
  producers.write(new Writer(16))
})

test('a producer that retries as it likes writes each batch once, over the wrap of its sequence', () => {
  const attempt = fc.record({ back: fc.nat(6), count: fc.integer({ min: 1, max: 5 }) })
  fc.assert(
    fc.property(
      fc.constantFrom(0, 7, top - 9),
      fc.array(attempt, { maxLength: 40, size: 'max' }),
      (first, attempts) => {
        const producers = new Producers()
        const sent: { sequence: number; count: number; baseOffset: number }[] = []
        let sequence = first
        let offset = 0
        for (const { back, count } of attempts) {
          const again = back > 0 ? sent.at(-back) : undefined
          const batch = again ?? { sequence, count, baseOffset: offset }
          const verdict = producers.check({ id: 1, epoch: 0, sequence: batch.sequence }, batch.count)
          if (again !== undefined) {
            if (back <= 5)
              assert.deepEqual(verdict, { verdict: 'duplicate', baseOffset: again.baseOffset, appendTime: 77 })
            else assert.equal(verdict.verdict, 'outOfOrder')
            continue
          }
          assert.equal(verdict.verdict, 'append')
          producers.record({ id: 1, epoch: 0, sequence }, count, offset, 77)
          sent.push(batch)
          sequence = sequenceAfter(sequence, count)
          offset += count
        }
        const gap = producers.check({ id: 1, epoch: 0, sequence: sequenceAfter(sequence, 1) }, 1)
        if (sent.length > 0) assert.deepEqual(gap, { verdict: 'outOfOrder', expected: sequence })
      },
    ),
    { numRuns: 1000 },
  )
})

test('epochs: an old one is fenced, a new one begins at 0 and forgets the batches of the old', () => {
  const producers = new Producers()
  producers.record({ id: 1, epoch: 3, sequence: 0 }, 10, 100, 5)
  assert.deepEqual(producers.check({ id: 1, epoch: 2, sequence: 10 }, 1), { verdict: 'fenced', epoch: 3 })
  assert.deepEqual(producers.check({ id: 1, epoch: 4, sequence: 10 }, 1), { verdict: 'outOfOrder', expected: 0 })
  assert.equal(producers.check({ id: 1, epoch: 4, sequence: 0 }, 10).verdict, 'append')
  producers.record({ id: 1, epoch: 4, sequence: 0 }, 10, 110, 5)
  assert.equal(producers.check({ id: 1, epoch: 4, sequence: 0 }, 10).verdict, 'duplicate')
  assert.equal(producers.check({ id: 1, epoch: 3, sequence: 0 }, 10).verdict, 'fenced')
})

test('bounded by count, the longest unused go first; bounded by time', () => {
  const producers = new Producers(3)
  for (let id = 1; id <= 3; id++) producers.record({ id, epoch: 0, sequence: 0 }, 1, id, id)
  producers.record({ id: 1, epoch: 0, sequence: 1 }, 1, 10, 10)
  producers.record({ id: 4, epoch: 0, sequence: 0 }, 1, 11, 11)
  assert.equal(producers.size, 3)
  assert.equal(producers.check({ id: 1, epoch: 0, sequence: 0 }, 1).verdict, 'duplicate')
  assert.equal(producers.check({ id: 2, epoch: 0, sequence: 99 }, 1).verdict, 'append', 'forgotten')
  producers.expire(11)
  assert.equal(producers.size, 1)
})

test('state survives writing and reading, and replay changes nothing', () => {
  const producers = new Producers()
  for (let n = 0; n < 20; n++) producers.record({ id: n % 3, epoch: 1, sequence: Math.floor(n / 3) }, 1, n, n)
  const w = new Writer()
  producers.write(w)
  const back = new Producers()
  back.read(new Reader(w.finish()))
  for (let n = 0; n < 20; n++) back.record({ id: n % 3, epoch: 1, sequence: Math.floor(n / 3) }, 1, n, n)
  for (let n = 0; n < 20; n++) {
    const producer = { id: n % 3, epoch: 1, sequence: Math.floor(n / 3) }
    assert.deepEqual(back.check(producer, 1), producers.check(producer, 1))
  }
})

test('a message id is answered as the first time, for as long as the window', () => {
  const window = new DedupeWindow(100, 2)
  const first = { partition: 0, baseOffset: 7, appendTime: 1000 }
  window.record('a', first)
  window.record('a', { partition: 0, baseOffset: 8, appendTime: 1050 })
  assert.deepEqual(window.find('a', 1099), first)
  const w = new Writer()
  window.write(w)
  const back = new DedupeWindow(100)
  back.read(new Reader(w.finish()))
  assert.deepEqual(back.find('a', 1099), first)
  assert.equal(back.find('a', 1100), undefined)
  back.record('a', { partition: 0, baseOffset: 9, appendTime: 1100 })
  assert.equal(back.find('a', 1199)?.baseOffset, 9)
  back.record('d', { partition: 0, baseOffset: 10, appendTime: 1000 })
  assert.equal(back.find('d', 1150), undefined, 'though the clock went back, and it stands behind a younger one')
  window.record('b', first)
  window.record('c', first)
  assert.equal(window.size, 2)
  assert.equal(window.find('a', 1050), undefined, 'bounded by count')
})
