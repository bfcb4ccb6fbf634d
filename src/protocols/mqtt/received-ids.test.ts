import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangedBits, SaveOp } from '../../core/index.ts'
import { digestOf, ReceivedIds } from './received-ids.ts'

const publish = { op: 0, record: 0 }
const [a, b] = [digestOf('t', Buffer.from('A')), digestOf('t', Buffer.from('B'))]

/** A session's saved state, as the core keeps it. */
function save(saved: Map<string, Buffer>, ops: readonly SaveOp[]): void {
  for (const { key, value } of ops) {
    const after = value === null || Buffer.isBuffer(value) ? value : changed(saved.get(key), value)
    if (after === null) saved.delete(key)
    else saved.set(key, after)
  }
}

function changed(before: Buffer | undefined, { bytes, changes }: ChangedBits): Buffer | null {
  const after = Buffer.from(before ?? Buffer.alloc(bytes))
  for (const { bit, on } of changes) {
    const mask = 1 << (bit & 7)
    after[bit >> 3] = on ? after[bit >> 3]! | mask : after[bit >> 3]! & ~mask
  }
  return after.every((byte) => byte === 0) ? null : after
}

function restored(saved: ReadonlyMap<string, Buffer>): ReceivedIds {
  const ids = new ReceivedIds()
  ids.restore(Array.from(saved, ([key, value]) => ({ key, value })))
  return ids
}

test('topic and payload make the digest, each for itself', () => {
  const digests = [
    a,
    b,
    digestOf('tA', Buffer.alloc(0)),
    digestOf('', Buffer.from('tA')),
    digestOf('u', Buffer.from('A')),
  ]
  assert.equal(new Set(digests).size, digests.length)
})

test('another message with an identifier: in use on one connection, new after a reconnect', () => {
  const saved = new Map<string, Buffer>()
  const first = new ReceivedIds()
  assert.equal(first.meet(1, a), 'new')
  for (const id of [1, 2, 63, 64, 65_535]) first.add(id, a, publish)
  assert.deepEqual([first.meet(1, a), first.meet(1, b)], ['again', 'inUse'])
  save(saved, first.changes())
  const second = restored(saved)
  assert.deepEqual(second.changes(), [])
  for (const id of [1, 2, 63, 64, 65_535]) {
    assert.deepEqual([second.meet(id, b), second.meet(id, a), second.meet(id, b)], ['new', 'again', 'inUse'], `${id}`)
  }
  second.add(1, b, publish)
  assert.deepEqual([second.meet(1, a), second.meet(1, b)], ['inUse', 'again'])
  save(saved, second.changes())
  const third = restored(saved)
  assert.deepEqual([third.meet(1, a), third.meet(1, b)], ['new', 'again'])
  for (const id of [1, 2, 63, 64, 65_535]) assert.ok(third.delete(id))
  assert.equal(third.delete(1), false)
  save(saved, third.changes())
  assert.deepEqual([...saved.keys()], [])
})

test('a message that was refused is new when it comes again; its bit is saved with its publish', () => {
  const ids = new ReceivedIds()
  ids.add(1, a, publish)
  const [bits] = ids.changes()
  assert.deepEqual((bits!.value as ChangedBits).changes, [{ bit: 1, on: true, with: publish }])
  ids.forget(1)
  assert.deepEqual([ids.meet(1, a), ids.meet(1, b)], ['new', 'new'])
})

test('what was saved without digests stands for whatever comes', () => {
  const ids = restored(new Map([['in/0', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])]]))
  assert.deepEqual([ids.meet(1, a), ids.meet(1, b), ids.meet(2, a)], ['again', 'again', 'new'])
})
