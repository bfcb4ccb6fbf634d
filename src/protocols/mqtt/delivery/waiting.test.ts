import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveredBatch } from '../../../core/index.ts'
import { BatchBuilder, RecordTable } from '../../../log/index.ts'
import { noProperties } from '../wire/index.ts'
import { Waiting, type Parcel } from './waiting.ts'

const terms = { qos: 0, retainAsPublished: false, own: noProperties, retained: false } as const

const parcelOf = (payload: Buffer): Parcel => ({
  form: { payload } as unknown as Parcel['form'],
  terms,
  expiresAt: null,
  source: undefined,
})

function filled(count: number): { waiting: Waiting; parcels: Parcel[]; kept: () => number } {
  let bytesKept = 0
  const keeper = { room: Infinity, keeps: (bytes: number) => void (bytesKept = bytes) }
  const waiting = new Waiting(Infinity, Infinity, keeper)
  const parcels = Array.from({ length: count }, (_, index) => parcelOf(Buffer.alloc(index % 7)))
  for (const parcel of parcels) assert.ok(waiting.add(parcel, false))
  return { waiting, parcels, kept: () => bytesKept }
}

test('first in first out, also when more come while some go; no bytes are left over', () => {
  const { waiting, parcels, kept } = filled(5000)
  const seen: (Parcel | undefined)[] = []
  for (let index = 0; index < 10_000; index++) {
    seen.push(waiting.peek())
    waiting.shift()
    if (index < 5000) {
      parcels.push(parcelOf(Buffer.alloc(1)))
      waiting.add(parcels.at(-1)!, false)
    }
  }
  assert.deepEqual(seen, parcels)
  assert.ok(waiting.empty)
  assert.equal(kept(), 0)
})

test('taking out costs the same however many wait: no element is moved more than about once', () => {
  const count = 200_000
  const { waiting } = filled(count)
  const moved = countMoved(() => {
    for (let index = 0; index < count; index++) {
      waiting.peek()
      waiting.shift()
    }
  })
  assert.ok(waiting.empty)
  assert.ok(moved <= 2 * count, `${moved} elements were moved`)
})

test('what was taken out is not among what waited at the end', () => {
  const { waiting, parcels } = filled(10)
  waiting.peek()
  waiting.shift()
  assert.deepEqual(waiting.clear(), parcels.slice(1))
})

/** How many elements `run` copied from one array to another: time would say the same, and depend on the machine. */
function countMoved(run: () => void): number {
  const original = Object.getOwnPropertyDescriptor(Array.prototype, 'slice')!
  let moved = 0
  const slice = function (this: unknown[], ...range: [number?, number?]): unknown[] {
    const part = Reflect.apply(original.value as typeof slice, this, range)
    moved += part.length
    return part
  }
  Object.defineProperty(Array.prototype, 'slice', { ...original, value: slice })
  try {
    run()
  } finally {
    Object.defineProperty(Array.prototype, 'slice', original)
  }
  return moved
}

test('some can be taken out, also the one that was looked at; the others keep their order', () => {
  const { waiting, parcels, kept } = filled(10)
  for (const index of [0, 3, 9]) parcels[index]!.source = { consumer: 7 } as Parcel['source']
  assert.equal(waiting.peek(), parcels[0])
  const taken = waiting.take(({ source }) => source?.consumer === 7)
  assert.deepEqual(taken, [parcels[0], parcels[3], parcels[9]])
  for (const index of [1, 2, 4, 5, 6, 7, 8]) {
    assert.equal(waiting.peek(), parcels[index])
    waiting.shift()
  }
  assert.equal(kept(), 0)
})

test('what is replayed is counted until it is sent, and takes no room of what comes live', () => {
  let kept = 0
  const waiting = new Waiting(Infinity, 1000, { room: Infinity, keeps: (bytes) => (kept = bytes) })
  const builder = new BatchBuilder()
  builder.add(0, null, Buffer.alloc(2000), null)
  const bytes = builder.finish()
  const batch = (): DeliveredBatch => {
    const facts = { address: { space: 1, levels: ['t'] }, foreign: true, expiresAt: null, rendered: null }
    return { ...facts, bytes, table: new RecordTable(bytes) } as unknown as DeliveredBatch
  }
  waiting.replay([batch(), batch()], terms)
  assert.ok(kept > 4000, `${kept}`)
  assert.ok(waiting.add(parcelOf(Buffer.alloc(1)), false))
  const before = kept
  assert.equal(waiting.peek()!.form.payload.length, 2000)
  waiting.shift()
  assert.equal(waiting.peek()!.form.payload.length, 2000)
  assert.ok(kept < before - 2000, `${kept}`)
  waiting.shift()
  assert.equal(waiting.peek()!.form.payload.length, 1)
  waiting.shift()
  assert.equal(kept, 0)
})
