import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address, Op, PublishOp } from './facade/index.ts'
import { onBoth } from './testing/both.ts'
import { errorOf, ok, records, Stand } from './testing/stage.ts'

const at = (stand: Stand, address: string): Address => ({ space: stand.shared, levels: address.split('.') })
const deferred = (stand: Stand, delayMs: number, address: string, value: string): PublishOp => ({
  op: 'publish',
  to: [at(stand, address)],
  ...records(value),
  due: stand.time.now() + delayMs,
})

onBoth('a deferred publish is routed when it is due, by the routes of that time', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('q')
  const [result] = await stand.commit(client, deferred(stand, 10_000, 'a.b', 'late'))
  assert.deepEqual(result, { op: 'publish', logs: 1, sinks: 0 })
  await stand.commit(client, deferred(stand, 5000, 'a.b', 'early'), deferred(stand, -1, 'a.b', 'nowhere'))
  await stand.settle(1000)
  await stand.route('a.#', log)
  await stand.route('a.#', { session: client.session }, { owner: client.session })
  await stand.settle(3000)
  assert.deepEqual(await stand.readAll(log), [])
  await stand.settle(2000)
  assert.deepEqual(await stand.readAll(log), ['early'])
  await stand.settle(10_000)
  assert.deepEqual(await stand.readAll(log), ['early', 'late'])
  assert.deepEqual(client.values(), ['early', 'late'])
})

onBoth('it survives a crash, and comes once', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('q', { bound: ['a'] })
  for (let i = 0; i < 20; i++) await stand.commit(client, deferred(stand, 1000 + i * 1000, 'a', String(i)))
  await stand.settle(3500)
  await stand.crash()
  const before = (await stand.readAll(log)).length
  assert.ok(before >= 3 && before < 10)
  await stand.settle(5000)
  await stand.crash()
  await stand.settle(60_000)
  await stand.crash()
  await stand.settle(1000)
  assert.deepEqual(
    await stand.readAll(log),
    Array.from({ length: 20 }, (_, i) => String(i)),
  )
})

test('many that are due at once are staged as fast as the disk takes them, and all come', async () => {
  const stagedBytesMax = 20_000
  const stand = await Stand.open({ stagedBytesMax })
  const client = await stand.client()
  const log = await stand.log('q', { bound: ['a'] })
  const values = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(1000, '.'))
  const due = stand.time.now() + 10_000
  for (const value of values) await stand.commit(client, { ...deferred(stand, 0, 'a', value), due })
  let most = 0
  for (let ms = 0; ms < 15_000; ms++) {
    await stand.time.advance(1)
    most = Math.max(most, stand.broker.metrics().stagedBytes)
  }
  assert.ok(most > 0 && most <= stagedBytesMax + 2000, `${most} bytes staged`)
  assert.deepEqual(await stand.readAll(log), values)
})

test('what came due while nobody was there comes at the start', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const log = await stand.log('q', { bound: ['a'] })
  await stand.commit(client, deferred(stand, 1000, 'a', 'x'))
  stand.time.wallShiftMs = 5000
  await stand.crash()
  await stand.settle()
  assert.deepEqual(await stand.readAll(log), ['x'])
})

onBoth('its lifetime begins when it is routed, which may be late', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [dead] = await stand.queue('dead')
  const [log, queue] = await stand.queue('q', { deadLetter: { to: 'log', name: ['dead'] } }, { bound: ['a'] })
  const lives = (value: string, delayMs: number, ttlMs: number): PublishOp => {
    const op = deferred(stand, delayMs, 'a', value)
    return { ...op, expiresAt: op.due! + ttlMs }
  }
  await stand.commit(client, lives('none', 5000, 0), lives('short', 5001, 300), lives('long', 5002, 3000))
  stand.time.wallShiftMs = 60_000
  await stand.crash()
  await stand.settle(1000)
  assert.deepEqual(await stand.readAll(dead), ['none', 'short'])
  const waiting = await stand.client()
  await stand.attach(waiting, queue)
  assert.deepEqual(waiting.values(), ['long'])
  await stand.commit(waiting, lives('waited for', 1000, 0))
  await stand.settle(2000)
  assert.deepEqual(waiting.values(), ['waited for'])
  assert.equal(stand.broker.bounds(log)[0]!.end, 4)
})

test('its facts stay: several addresses give one copy, an expired one none, a retained one is kept', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const log = await stand.log('q')
  await stand.route('a', log)
  await stand.route('b', log)
  const soon = stand.time.now() + 1000
  const to = [at(stand, 'a'), at(stand, 'b')]
  await stand.commit(
    client,
    { op: 'publish', to, ...records('both'), due: soon, priority: 3 },
    { op: 'publish', to, ...records('expired'), due: soon, expiresAt: soon - 500 },
    { op: 'publish', to: [at(stand, 'r')], ...records('kept'), due: soon, retain: true },
  )
  await stand.settle(2000)
  assert.deepEqual(await stand.readAll(log), ['both'])
  const [kept] = await stand.retained(['r'])
  assert.equal(String(kept!.table.value(0)), 'kept')
})

test('bounded: beyond so many that wait the publisher is told', async () => {
  const stand = await Stand.open({ deferredMax: 2 })
  const client = await stand.client()
  const op = deferred(stand, 60_000, 'a', 'x')
  const { session, epoch } = client
  const results = await stand.wait(stand.broker.commit([op, op, op], { session, epoch }))
  assert.equal(errorOf(results[2]), 'full')
  await stand.settle(61_000)
  ok((await stand.wait(stand.broker.commit([{ ...op, due: stand.time.now() + 1000 }], { session, epoch })))[0])
})

onBoth('all or none: nothing is done of a commit whose publishes cannot all wait', async (open) => {
  const stand = await open({ deferredMax: 2 })
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'm')
  await stand.attach(client, queue)
  await stand.commit(client, deferred(stand, 60_000, 'a', 'first'))
  const later = deferred(stand, 60_000, 'a', 'x')
  const ranges = [{ partition: 0, first: 0, last: 0, attempt: 1 }]
  const settle = { op: 'settle', subscription: queue, ranges, as: { do: 'done' } } as const
  const { session, epoch } = client
  const commit = (...ops: Op[]) => stand.wait(stand.broker.commit(ops, { session, epoch, atomic: true }))
  assert.deepEqual((await commit(settle, later, later)).map(errorOf), ['full', 'full', 'full'])
  assert.equal(stand.broker.stats(queue).leased, 1)
  assert.deepEqual(ok((await commit(settle, later))[0]), { op: 'settle', done: 1, stale: 0 })
  const nowhere = { ...later, to: [{ space: 0, levels: ['a'] }] }
  assert.deepEqual((await commit(nowhere)).map(errorOf), ['notFound'])
})

test('nobody sees what holds them', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  await stand.commit(client, deferred(stand, 1000, 'a', 'x'))
  assert.deepEqual(stand.broker.list('log'), [])
  assert.deepEqual(stand.broker.list('subscription'), [])
  const id = await stand.define({ kind: 'namespace', name: 'other' })
  const space = stand.broker.findSpace(id, '')!.id
  const there = {
    op: 'publish',
    to: [{ space, levels: ['a'] }],
    ...records('x'),
    due: stand.time.now() + 1000,
  } as const
  await stand.commit(client, there)
  assert.equal(ok((await stand.wait(stand.broker.drop([{ id }])))[0]).records, 0)
  await stand.crash()
  await stand.settle(5000)
})
