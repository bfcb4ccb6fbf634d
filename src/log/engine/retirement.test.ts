import assert from 'node:assert/strict'
import test from 'node:test'
import type { Slots } from '../journal/slots.ts'
import { Retirement } from './retirement.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a slot goes back when two checkpoints lie behind its segment, and nobody has it open any more', async () => {
  const recycled: number[] = []
  const slots = { recycle: (slot: number) => Promise.resolve(void recycled.push(slot)) } as unknown as Slots
  let closed = (): void => undefined
  const forget = (): Promise<void> => new Promise((resolve) => (closed = resolve))
  const retirement = new Retirement(slots, forget, () => undefined)
  retirement.release(7, 3, 40)
  retirement.setFloor(3, 50)
  retirement.setFloor(4, 39)
  assert.ok(retirement.waiting)
  retirement.setFloor(4, 40)
  assert.ok(!retirement.waiting)
  await settled()
  assert.deepEqual(recycled, [])
  closed()
  await settled()
  assert.deepEqual(recycled, [7])
})
