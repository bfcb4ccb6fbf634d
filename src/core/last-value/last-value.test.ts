import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PatternLevel } from '../facade/index.ts'
import { records, Stand } from '../testing/stage.ts'

async function retaining(stand: Stand, count: number, value: string): Promise<void> {
  const client = await stand.client()
  const ops = Array.from({ length: count }, (_, i) => ({
    op: 'publish' as const,
    to: [{ space: stand.shared, levels: ['a', String(i)] }],
    ...records(value),
    retain: true,
  }))
  await stand.commit(client, ...ops)
}

/** How many turns others got while all that match were found. */
async function turnsWhile(stand: Stand, levels: PatternLevel[]): Promise<[found: number, turns: number]> {
  let turns = 0
  let over = false
  const tick = (): void => {
    if (over) return
    turns++
    stand.time.endOfTurn(tick)
  }
  let found = 0
  const read = async (): Promise<void> => {
    for await (const page of stand.broker.retained(stand.namespace, { levels })) found += page.length
    over = true
  }
  tick()
  await stand.wait(read())
  return [found, turns]
}

test('others get their turn while last values are looked for, found or not', async () => {
  const stand = await Stand.open()
  await retaining(stand, 5000, 'x')
  const [none, while1] = await turnsWhile(stand, ['a', { any: 'one' }, 'none'])
  assert.equal(none, 0)
  assert.ok(while1 >= 5, `${while1} turns`)
  const [all, while2] = await turnsWhile(stand, ['a', { any: 'one' }])
  assert.equal(all, 5000)
  assert.ok(while2 >= 20, `${while2} turns`)
  const [one, while3] = await turnsWhile(stand, ['a', '7'])
  assert.equal(one, 1)
  assert.ok(while3 >= 1, `${while3} turns`)
})

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
