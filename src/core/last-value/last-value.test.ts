import assert from 'node:assert/strict'
import { test } from 'node:test'
import { records, Stand } from '../testing/stage.ts'

test('last values that wait to be sent keep no more of the log in memory than they are', async () => {
  const stand = await Stand.open({}, 'journal')
  const client = await stand.client()
  const log = await stand.log('other')
  for (let i = 0; i < 20; i++) {
    const to = [{ space: stand.shared, levels: ['a', String(i)] }]
    await stand.commit(client, { op: 'publish', to, ...records(`${i}`.repeat(100)), retain: true })
    await stand.append(client, log, 'x'.repeat(20_000))
  }
  const found = await stand.retained(['a', { any: 'rest' }])
  assert.equal(found.length, 20)
  for (const { address, table } of found) {
    const [, name] = address!.levels
    assert.equal(String(table.value(0)), name!.repeat(100))
  }
  const slabs = new Set(found.map(({ bytes }) => bytes.buffer))
  const kept = [...slabs].reduce((sum, { byteLength }) => sum + byteLength, 0)
  assert.ok(kept < 20_000, `${kept} bytes`)
})
