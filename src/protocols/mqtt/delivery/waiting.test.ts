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
  const waiting = new Waiting(Infinity, Infinity, keeper, () => assert.fail())
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

const retained = (payloadBytes: number): DeliveredBatch => {
  const builder = new BatchBuilder()
  builder.add(0, null, Buffer.alloc(payloadBytes), null)
  const bytes = builder.finish()
  const facts = { address: { space: 1, levels: ['t'] }, foreign: true, expiresAt: null, rendered: null }
  return { ...facts, bytes, table: new RecordTable(bytes) } as unknown as DeliveredBatch
}

/** A client's `Waiting`, what it keeps, and the page that is being read. */
function replaying() {
  const state = { kept: 0, page: Promise.resolve() }
  const keeper = { room: Infinity, keeps: (bytes: number) => void (state.kept = bytes) }
  return { state, waiting: new Waiting(Infinity, 1000, keeper, (page) => void (state.page = page)) }
}

async function* pages(read: string[], name: string, ...all: number[][]): AsyncGenerator<DeliveredBatch[], undefined> {
  for (const [i, page] of all.entries()) {
    read.push(`${name}${i}`)
    yield page.map(retained)
  }
}

test('of all that is replayed one page is held; it is counted until it is sent, and takes no room of what comes live', async () => {
  const { state, waiting } = replaying()
  const read: string[] = []
  waiting.replay('a', pages(read, 'a', [2000, 2001], [2002]), terms)
  waiting.replay('b', pages(read, 'b', [2003]), terms)
  assert.ok(waiting.add(parcelOf(Buffer.alloc(1)), false))
  assert.equal(waiting.empty, false)
  assert.deepEqual(read, [])
  const before = state.kept
  const sent: number[] = []
  const seen: string[][] = []
  while (!waiting.empty) {
    const parcel = waiting.peek()
    if (parcel === undefined) {
      assert.equal(waiting.peek(), undefined)
      await state.page
      continue
    }
    sent.push(parcel.form.payload.length)
    seen.push([...read])
    assert.ok(state.kept < before + 5000, `${state.kept}`)
    if (parcel.form.payload.length === 2000) assert.ok(state.kept > before + 4000, `${state.kept}`)
    waiting.shift()
  }
  assert.deepEqual(sent, [2000, 2001, 2002, 2003, 1])
  const all = ['a0', 'a1', 'b0']
  assert.deepEqual(seen, [['a0'], ['a0'], ['a0', 'a1'], all, all])
  assert.equal(state.kept, 0)
})

test('a filter that is subscribed to again before its replay began is replayed once, on the newer terms', async () => {
  const { state, waiting } = replaying()
  const read: string[] = []
  waiting.replay('a', pages(read, 'a', [1]), terms)
  waiting.peek()
  waiting.replay('a', pages(read, 'again', [2]), terms)
  waiting.replay('b', pages(read, 'b', [3]), terms)
  const kept = state.kept
  waiting.replay('b', pages(read, 'newer', [4]), { ...terms, qos: 1 })
  assert.equal(state.kept, kept)
  const sent: [number, number][] = []
  while (!waiting.empty) {
    const parcel = waiting.peek()
    if (parcel === undefined) await state.page
    else sent.push([parcel.form.payload.length, parcel.terms.qos])
    waiting.shift()
  }
  assert.deepEqual(sent, [[1, 0], [2, 0], [4, 1]]) // prettier-ignore
  assert.deepEqual(read, ['a0', 'again0', 'newer0'])
})

test('a replay that is unsubscribed from ends: nothing of it is read, sent or counted any more', async () => {
  const { state, waiting } = replaying()
  const read: string[] = []
  const count = 1000
  for (let i = 0; i < count; i++) waiting.replay(String(i), pages(read, `${i}/`, [1]), terms)
  assert.ok(state.kept >= count * 1000, `${state.kept}`)
  for (let i = 0; i < count; i++) waiting.forget(String(i))
  assert.ok(waiting.empty)
  assert.equal(state.kept, 0)
  waiting.replay('a', pages(read, 'a', [1, 2], [3]), terms)
  waiting.replay('b', pages(read, 'b', [4], [5]), terms)
  waiting.peek()
  await state.page
  assert.equal(waiting.peek()?.form.payload.length, 1)
  waiting.forget('a')
  waiting.peek()
  // While it is read.
  waiting.forget('b')
  await state.page
  assert.ok(waiting.empty)
  assert.equal(waiting.peek(), undefined)
  assert.equal(state.kept, 0)
  assert.deepEqual(read, ['a0', 'b0'])
})

test('a promised replay counts with its filter, of whatever length', () => {
  const { state, waiting } = replaying()
  waiting.replay('x'.repeat(60_000), pages([], 'x'), terms)
  assert.ok(state.kept > 60_000, `${state.kept}`)
})

test('who goes while a page is read gets none of it', async () => {
  const { state, waiting } = replaying()
  waiting.replay('a', pages([], 'a', [1]), terms)
  waiting.peek()
  assert.deepEqual(waiting.clear(), [])
  await state.page
  assert.equal(waiting.peek(), undefined)
  assert.equal(state.kept, 0)
})
