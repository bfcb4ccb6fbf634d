import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ok, records, Stand } from './testing/stage.ts'
import { onBoth } from './testing/both.ts'

onBoth(
  'retention by age, bytes and records moves the start; a queue that had not settled counts what it lost',
  async (open) => {
    const stand = await open({ retentionMs: 1000 })
    const client = await stand.client()
    const [old, queue] = await stand.queue('old', { retaining: false }, { keep: { ageMs: 5000 } })
    const few = await stand.log('few', { keep: { records: 2 } })
    const small = await stand.log('small', { keep: { bytes: 250 } })
    for (const log of [old, few, small]) for (const value of ['a', 'b', 'c']) await stand.append(client, log, value)
    await stand.settle(2000)
    assert.deepEqual(await stand.readAll(few), ['b', 'c'])
    assert.ok(stand.broker.bounds(small)[0]!.bytes <= 250)
    assert.deepEqual(await stand.readAll(old), ['a', 'b', 'c'])
    await stand.settle(5000)
    assert.deepEqual(await stand.readAll(old), [])
    assert.equal(stand.broker.stats(queue).lostToRetention, 3)
    assert.equal(stand.broker.stats(queue).ready, 0)
  },
)

onBoth('lifetimes: last consumer, last route, unused', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [auto, queue] = await stand.queue('auto', {}, { lifetime: { lastConsumer: true } })
  const [idle] = await stand.queue('idle', {}, { lifetime: { unusedMs: 3000 } })
  const space = await stand.define({
    kind: 'space',
    namespace: stand.namespace,
    name: 's',
    lifetime: { lastRoute: true },
  })
  const route = await stand.define({ kind: 'route', space, pattern: { levels: ['a'] }, target: { log: idle } })
  const consumer = await stand.attach(client, queue)
  await stand.settle(2000)
  assert.ok(stand.broker.get(auto) && stand.broker.get(idle) && stand.broker.get(space))
  await stand.wait(stand.broker.detach(consumer, 'release'))
  await stand.wait(stand.broker.drop([{ id: route }]))
  await stand.settle(1500)
  assert.deepEqual(
    [auto, idle, space].map((id) => stand.broker.get(id)),
    [undefined, undefined, undefined],
  )
  await stand.crash()
  assert.equal(stand.broker.list('log').length, 0)
})

onBoth('last values: the newest of each address, over a restart; an empty one removes it', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const retain = (address: string, value: string, expiresAt?: number) =>
    stand.commit(client, {
      op: 'publish',
      to: [{ space: stand.shared, levels: address.split('.') }],
      ...records(value),
      retain: true,
      ...(expiresAt !== undefined && { expiresAt }),
    })
  const values = async () => {
    const batches = await stand.retained(['a', { any: 'rest' }])
    return batches
      .map((batch) => `${batch.address!.levels.join('.')}=${String(batch.table.value(0))} ${batch.retained}`)
      .sort()
  }
  await retain('a.b', '1')
  await retain('a.b', '2')
  await retain('a.c', '3')
  await retain('a.d', '4', stand.time.now() + 1000)
  await retain('x', '5')
  await retain('a.c', '')
  assert.deepEqual(await values(), ['a.b=2 true', 'a.d=4 true'])
  await stand.settle(10_000)
  // though nobody has asked for it
  assert.equal(stand.broker['shard'].lastValues.get(stand.namespace)!.values.size, 2)
  await stand.crash()
  assert.deepEqual(await values(), ['a.b=2 true'])
})

onBoth('queue and group on one log under each way to keep (T6)', async (open) => {
  for (const keep of [{}, { consumed: true }, { records: 10 }]) {
    const stand = await open()
    const client = await stand.client()
    const [log, queue] = await stand.queue('q', {}, { keep })
    await stand.append(client, log, 'a', 'b')
    await stand.commit(client, { op: 'advance', log, subscription: 'g', positions: [{ partition: 0, offset: 1 }] })
    await stand.attach(client, queue, { settle: 'onDelivery' })
    assert.deepEqual(client.values(), ['a', 'b'])
    await stand.settle()
    assert.equal(stand.broker.bounds(log)[0]!.start, keep.consumed ? 2 : 0)
    assert.deepEqual(stand.broker.positions(log, 'g'), [{ partition: 0, offset: 1, note: '' }])
  }
})

onBoth('what is appended, made durable and let go costs the same however many groups have committed', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log] = await stand.queue('q')
  const positions = [{ partition: 0, offset: 0 }]
  const groups = Array.from({ length: 10_000 }, (_, i) => ({
    op: 'advance' as const,
    log,
    subscription: `g${i}`,
    positions,
  }))
  await stand.commit(client, ...groups)
  const { leased } = stand.broker['shard']
  let lookups = 0
  const get = leased.get.bind(leased)
  leased.get = (id) => {
    lookups++
    return get(id)
  }
  const expiresAt = stand.time.now() + 60_000
  await stand.commit(client, { op: 'append', log, ...records('a'), expiresAt })
  await stand.commit(client, { op: 'remove', what: { log, before: [{ partition: 0, offset: 1 }] } })
  await stand.settle()
  assert.ok(lookups < 50, `${lookups} subscriptions looked up`)
  assert.deepEqual(stand.broker.positions(log, 'g9999'), [{ partition: 0, offset: 0, note: '' }])
  await stand.wait(stand.broker.drop([{ id: log }]))
  assert.equal(stand.broker.list('subscription').length, 0)
  await stand.crash()
  assert.equal(stand.broker.list('subscription').length, 0)
})

onBoth('remove: before an offset, and a purge, staged ones included', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', {}, { keep: {} })
  for (const value of ['a', 'b', 'c']) await stand.append(client, log, value)
  await stand.commit(client, { op: 'remove', what: { log, before: [{ partition: 0, offset: 1 }] } })
  assert.deepEqual(await stand.readAll(log), ['b', 'c'])
  const late = stand.append(client, log, 'd')
  const [purged] = await stand.commit(client, { op: 'remove', what: { subscription: queue } })
  assert.deepEqual(purged, { op: 'remove', records: 3 })
  await late
  await stand.attach(client, queue)
  assert.deepEqual(client.values(), [])
  assert.deepEqual(await stand.readAll(log), ['b', 'c', 'd'])
})

test('a failed store: pending answers are unavailable, sessions are told, and the broker comes back', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const log = await stand.log('a')
  await stand.append(client, log, 'x')
  const pending = stand.broker.commit([{ op: 'append', log, ...records('y') }], client)
  stand.store.become({ state: 'failed', failure: { error: 'unavailable', detail: 'the disk is gone' } })
  assert.deepEqual(
    (await stand.wait(pending)).map((one) => 'error' in one && one.error),
    ['unavailable'],
  )
  assert.deepEqual(client.notices, [{ notice: 'unavailable' }])
  await stand.settle(1500)
  const again = await stand.client()
  assert.deepEqual(await stand.readAll(log), ['x'])
  ok((await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('z') }], again)))[0])
})

test('a full store refuses publishers, and still takes settlements', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'a')
  await stand.attach(client, queue)
  stand.store.become({ state: 'full', failure: { error: 'full', detail: 'no space' } })
  const [result] = await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('b') }], client))
  assert.equal(result && 'error' in result && result.error, 'full')
  const ranges = [{ partition: 0, first: 0, last: 0, attempt: 1 }]
  assert.deepEqual(await stand.commit(client, { op: 'settle', subscription: queue, ranges, as: { do: 'done' } }), [
    { op: 'settle', done: 1, stale: 0 },
  ])
  stand.store.become({ state: 'ok' })
  await stand.settle()
  assert.deepEqual(
    client.notices.map((one) => one.notice),
    ['blocked', 'unblocked'],
  )
})
