import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteSpec } from '../facade/index.ts'
import { onBoth } from '../testing/both.ts'
import { ok, Stand } from '../testing/stage.ts'

test('hundreds of routes of one session are defined, and defined again, each by a few looks', async (t) => {
  const stand = await Stand.open()
  const { session } = await stand.client()
  const routes = (attributes: number): RouteSpec[] =>
    Array.from({ length: 300 }, (_, i) => ({
      kind: 'route',
      space: stand.shared,
      pattern: { levels: [`${i}`] },
      target: { session },
      owner: session,
      attributes,
    }))
  const stringify = t.mock.method(JSON, 'stringify')
  const first = await stand.wait(stand.broker.define(routes(1), 'replace'))
  const second = await stand.wait(stand.broker.define(routes(2), 'replace'))
  assert.ok(stringify.mock.callCount() < 20 * 300, `${stringify.mock.callCount()} names were made`)
  stringify.mock.restore()
  first.forEach((one, i) => {
    const { id } = ok(one)
    assert.deepEqual(ok(second[i]), { id, revision: 2, created: false })
  })
})

onBoth('long patterns that differ in their last level are routes of their own, after a crash too', async (open) => {
  const stand = await open()
  const { session } = await stand.client({ name: 'kept', keepMs: Infinity })
  const log = await stand.log('l')
  const long = 'a'.repeat(60_000)
  const spec = (last: string, attributes: number): RouteSpec => ({
    kind: 'route',
    space: stand.shared,
    pattern: { levels: [long, last] },
    target: { log },
    owner: session,
    attributes,
  })
  const define = async (...specs: RouteSpec[]) =>
    (await stand.wait(stand.broker.define(specs, 'replace'))).map((one) => ok(one))
  const [b, c] = await define(spec('b', 1), spec('c', 1))
  assert.notEqual(b!.id, c!.id)
  await stand.crash()
  assert.deepEqual(await define(spec('b', 2), spec('c', 1)), [
    { id: b!.id, revision: 2, created: false },
    { id: c!.id, revision: 1, created: false },
  ])
  assert.equal(stand.broker.list('route').length, 2)
})

test('routes that differ only in what describes them may stand side by side; the oldest is replaced', async () => {
  const stand = await Stand.open()
  const log = await stand.log('l')
  const spec = (attributes: number): RouteSpec => ({
    kind: 'route',
    space: stand.shared,
    pattern: { levels: ['a'] },
    target: { log },
    attributes,
  })
  const one = async (mode: 'ensure' | 'replace', attributes: number) =>
    ok((await stand.wait(stand.broker.define([spec(attributes)], mode)))[0])
  const first = await one('ensure', 1)
  const second = await one('ensure', 2)
  assert.notEqual(first.id, second.id)
  assert.deepEqual(await one('replace', 3), { id: first.id, revision: 2, created: false })
  await stand.wait(stand.broker.drop([{ id: first.id }, { id: second.id }]))
  assert.equal((await one('replace', 4)).created, true)
})
