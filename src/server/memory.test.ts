import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Admission, Budget, Memory } from './memory.ts'

const mib = 1024 * 1024

test('a budget is never used up, however many take their share of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.constantFrom(1 / 4, 2), (takers, part) => {
      const budget = new Budget(100 * mib, part)
      const held = Array.from({ length: takers }, () => 0)
      // Each takes whatever it may, a little at a time, until nobody may take more.
      for (let more = true; more;) {
        more = false
        for (let i = 0; i < takers; i++) {
          if (held[i]! + 64 * 1024 > budget.share) continue
          held[i]! += 64 * 1024
          budget.used += 64 * 1024
          more = true
        }
      }
      assert.ok(budget.used <= budget.bytesMax)
      assert.ok(budget.share > 0, 'a newcomer gets something')
      assert.ok(Math.max(...held) - Math.min(...held) <= 64 * 1024, 'all get the same')
    }),
  )
})

test('large messages come in by turns: first come, first served, and one may pass the bound', () => {
  const line = new Admission(10)
  const order: string[] = []
  const arrival = (name: string, bytes: number) => ({ bytes, admitted: () => void order.push(name) })
  const [a, b, c, d] = [arrival('a', 8), arrival('b', 8), arrival('c', 1), arrival('d', 1)]
  assert.equal(line.enter(a), true)
  assert.equal(line.enter(b), true, 'less than the bound was under way')
  assert.equal(line.enter(c), false)
  assert.equal(line.enter(d), false)
  line.leave(a)
  assert.deepEqual(order, ['c', 'd'])
  line.leave(b)
  line.leave(c)
  line.leave(d)
  assert.equal(line.used, 0)
})

test('who leaves the line, or wants more while it has its turn, holds up nobody', () => {
  const line = new Admission(10)
  const order: string[] = []
  const arrival = (name: string) => ({ bytes: 10, admitted: () => void order.push(name) })
  const [a, b, c] = [arrival('a'), arrival('b'), arrival('c')]
  line.enter(a)
  line.enter(b)
  line.enter(c)
  line.leave(b)
  line.resize(a, 30)
  assert.equal(line.used, 30)
  line.leave(a)
  assert.deepEqual(order, ['c'])
  line.leave(c)
  assert.equal(line.used, 0)
})

test('on a slow disk less may wait for it, and on a fast one as much as there is memory for', () => {
  const memory = new Memory(256 * mib)
  assert.equal(memory.unanswered.bytesMax, 16 * mib)
  memory.unanswered.used = 16 * mib
  for (let i = 0; i < 100; i++) {
    memory.answered(mib)
    memory.tick(250)
  }
  assert.ok(memory.unanswered.bytesMax < 1.1 * mib, 'what the disk takes in a quarter of a second')
  for (let i = 0; i < 100; i++) {
    memory.answered(100 * mib)
    memory.tick(250)
  }
  assert.equal(memory.unanswered.bytesMax, 16 * mib)
  for (let i = 0; i < 100; i++) memory.tick(250)
  assert.equal(memory.unanswered.bytesMax, mib, 'a disk that takes nothing')
  memory.unanswered.used = 0
  memory.tick(250)
  assert.equal(memory.unanswered.bytesMax, 16 * mib)
})
