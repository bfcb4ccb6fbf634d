import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestStore } from '../testing/test-store.ts'

test('many short lives end up in a checkpoint like one long life, or replay would grow with each', async () => {
  const store = new TestStore({ checkpointBytes: 512 * 1024, checkpointMs: 3_600_000 })
  await store.open()
  store.store.createPartition(1)
  for (let life = 0; life < 8; life++) {
    for (let i = 0; i < 10; i++) {
      store.append(1, 20_000)
      await store.commit()
    }
    await store.pass(50, 10)
    await store.reopen()
  }
  assert.notDeepEqual(await store.disk.list('checkpoint'), [])
  await store.time.until(store.store.close())
})
