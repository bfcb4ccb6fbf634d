import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChangedBits, SaveOp } from '../../core/index.ts'
import { PacketIdSet } from './packet-id-set.ts'

/** As the core does it. */
function changed(before: Buffer | undefined, value: SaveOp['value']): Buffer {
  const { bytes, changes } = value as ChangedBits
  const after = Buffer.from(before ?? Buffer.alloc(bytes))
  for (const { bit, on } of changes) {
    const mask = 1 << (bit & 7)
    after[bit >> 3] = on ? after[bit >> 3]! | mask : after[bit >> 3]! & ~mask
  }
  return after
}

test('behaves like a set, and comes back from what it saved', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'delete', 'save'),
    id: fc.integer({ min: 1, max: 65_535 }).map((id) => (id % 3 === 0 ? id : id % 200) || 1),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Set<number>()
      const saved = new Map<string, Buffer>()
      const ids = new PacketIdSet('in/')
      const save = (): void => {
        for (const { key, value } of ids.changes()) saved.set(key, changed(saved.get(key), value))
      }
      for (const { kind, id } of steps) {
        if (kind === 'add') {
          ids.add(id)
          model.add(id)
        } else if (kind === 'delete') {
          assert.equal(ids.delete(id), model.delete(id))
        } else {
          save()
        }
      }
      save()
      const sorted = [...model].sort((a, b) => a - b)
      assert.deepEqual([...ids], sorted)
      assert.equal(ids.size, model.size)
      const again = new PacketIdSet('in/')
      again.restore([
        ...Array.from(saved, ([key, value]) => ({ key, value })),
        { key: 'out/1', value: Buffer.alloc(8, 1) },
      ])
      assert.deepEqual([...again], sorted)
      assert.deepEqual(again.changes(), [])
    }),
  )
})

test('what was added is saved with its publish; what was not taken changes nothing', () => {
  const ids = new PacketIdSet('in/')
  ids.add(1)
  ids.changes()
  ids.add(2, { op: 0, record: 3 })
  ids.add(70, { op: 1, record: 0 })
  ids.delete(1)
  assert.deepEqual(
    ids.changes().map(({ key, value }) => [key, (value as ChangedBits).changes]),
    [
      [
        'in/0',
        [
          { bit: 2, on: true, with: { op: 0, record: 3 } },
          { bit: 1, on: false },
        ],
      ],
      ['in/1', [{ bit: 6, on: true, with: { op: 1, record: 0 } }]],
    ],
  )
  assert.ok(ids.forget(2))
  assert.deepEqual(ids.changes(), [])
  assert.deepEqual([...ids], [70])
})
