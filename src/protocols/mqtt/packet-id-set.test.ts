import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PacketIdSet } from './packet-id-set.ts'

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
        for (const { key, value } of ids.changes()) {
          if (value === null) saved.delete(key)
          else saved.set(key, value)
        }
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

test('what was added beside a publish counts only if that is taken; what was there before always does', () => {
  const ids = new PacketIdSet('in/')
  ids.add(1)
  ids.changes()
  ids.add(2)
  ids.add(70)
  const [first, second] = ids.changes([0, 3])
  const again = new PacketIdSet('in/')
  again.restore([{ key: first!.key, value: first!.otherwise!.value! }])
  assert.deepEqual([...again], [1])
  assert.deepEqual(first!.otherwise!.ops, [0, 3])
  assert.equal(second!.otherwise!.value, null)
  assert.deepEqual(ids.changes([0]), [])
  ids.saveAgain()
  assert.equal(ids.changes().length, 2)
})
