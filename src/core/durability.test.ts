import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store } from '../log/index.ts'
import { SimRandom } from '../world/sim/random.ts'
import { SimDisk } from '../world/sim/sim-disk.ts'
import type { BrokerLimits } from './options.ts'
import { records, Stand } from './testing/stage.ts'

/** A server that only writes commits, with one log that asks for more. */
async function openLax(options: Partial<BrokerLimits> = {}): Promise<{ stand: Stand; store: () => Store }> {
  const stand = new Stand('journal')
  stand.disk = new SimDisk(stand.time, new SimRandom(1))
  stand.storeOptions.durability = 'os'
  stand.storeOptions.checkpointMs = 3_600_000
  await stand.start({ durability: 'os', ...options })
  return { stand, store: () => stand.current }
}

test('where commits are only written, answers come when they are, and a log may ask for a sync', async () => {
  const { stand, store } = await openLax()
  const client = await stand.client()
  const lax = await stand.log('lax')
  const strict = await stand.log('strict', { durability: 'fsync' })
  await stand.append(client, lax, 'a')
  assert.ok(store().written > store().durable, 'nobody asked for a sync')
  await stand.append(client, strict, 'b')
  assert.ok(store().durable >= store().written - 1)
  assert.deepEqual(await stand.readAll(lax), ['a'])
  assert.deepEqual(await stand.readAll(strict), ['b'])
})

test('where commits are only written, what is written holds up nobody, though nobody syncs it', async () => {
  const { stand, store } = await openLax({ stagedBytesMax: 100_000 })
  const client = await stand.client()
  const lax = await stand.log('lax')
  for (let i = 0; i < 25; i++) {
    await stand.append(client, lax, 'x'.repeat(5000))
    await stand.time.advance(20)
  }
  assert.ok(store().written > store().durable + 20, 'nobody asked for a sync')
  assert.deepEqual(client.notices, [])
  assert.equal(stand.broker.metrics().stagedBytes, 0)
  const strict = await stand.log('strict', { durability: 'fsync' })
  await stand.append(client, strict, 'b')
  assert.deepEqual(await stand.readAll(strict), ['b'])
})

test('where commits are only written, what a session asks behind a synced append is answered without another one', async () => {
  const { stand, store } = await openLax()
  const client = await stand.client()
  const lax = await stand.log('lax')
  const strict = await stand.log('strict', { durability: 'fsync' })
  const order: string[] = []
  const call = (name: string, log: number) =>
    stand.broker.commit([{ op: 'append', log, ...records(name) }], client).then(() => order.push(name))
  const first = store().staging
  const calls = [call('strict', strict)]
  store().onProgress(() => {
    if (calls.length === 1 && store().written >= first && store().durable < first) calls.push(call('lax', lax))
  })
  await stand.time.advance(100)
  assert.equal(calls.length, 2, 'the second came between write and sync of the first')
  assert.deepEqual(order, ['strict', 'lax'])
})

test('where commits are only written, a retry of a synced append is told of it when that is synced', async () => {
  const { stand, store } = await openLax()
  const client = await stand.client()
  const other = await stand.client()
  const lax = await stand.log('lax')
  const strict = await stand.log('strict', { durability: 'fsync', dedupeWindowMs: 60_000 })
  const op = { op: 'append', log: strict, messageId: 'm', ...records('a') } as const
  const first = store().staging
  let durable = -1
  const retry = () => stand.broker.commit([op], other).then(() => (durable = store().durable))
  const retries: Promise<number>[] = []
  store().onProgress(() => {
    if (retries.length === 0 && store().written >= first && store().durable < first) retries.push(retry())
  })
  await stand.commit(client, op)
  await stand.wait(Promise.all(retries))
  assert.equal(retries.length, 1, 'it came between write and sync')
  assert.ok(durable >= first)
  await stand.append(client, lax, 'b')
  assert.ok(store().written > store().durable)
  const [again] = await stand.commit(other, op)
  assert.ok(again?.op === 'append' && again.duplicate, 'and nobody waits for a sync of what is synced')
})

test('under load, too, what must be synced is', async () => {
  const { stand, store } = await openLax()
  const client = await stand.client()
  const strict = await stand.log('strict', { durability: 'fsync' })
  let answered = 0
  const append = (): void =>
    void stand.broker.commit([{ op: 'append', log: strict, ...records('x') }], client).then(() => answered++)
  // Whenever one is written another one is staged behind it.
  const from = store().written
  while (store().written < from + 50) {
    append()
    await stand.time.advance(0.03)
  }
  assert.ok(answered > 0)
})

test('answers of a session come in the order of its calls, whatever each waits for', async () => {
  const stand = await Stand.open({}, 'journal')
  const client = await stand.client()
  const lax = await stand.log('lax', { durability: 'os' })
  const strict = await stand.log('strict')
  const order: string[] = []
  const call = (name: string, log: number) =>
    stand.broker.commit([{ op: 'append', log, ...records(name) }], client).then(() => order.push(name))
  await stand.wait(Promise.all([call('1', strict), call('2', lax), call('3', strict), call('4', lax)]))
  assert.deepEqual(order, ['1', '2', '3', '4'])
})

test('a soft commit rides along; a look-up is settled only when what it shows is durable', async () => {
  const stand = await Stand.open({}, 'journal')
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'a')
  await stand.attach(client, queue)
  const ranges = [{ partition: 0, first: 0, last: 0, attempt: 1 }]
  const before = stand.current.durable
  let answered = false
  const soft = stand.broker
    .commit([{ op: 'settle', subscription: queue, ranges, as: { do: 'done' } }], {
      session: client.session,
      epoch: client.epoch,
      soft: true,
    })
    .then(() => (answered = true))
  await stand.time.settle()
  assert.equal(answered, false)
  assert.equal(stand.current.durable, before)
  await stand.wait(stand.broker.settled())
  assert.ok(stand.current.durable > before)
  await stand.wait(soft)
})

test('back-pressure: too much on its way blocks, and what becomes durable unblocks', async () => {
  const stand = await Stand.open({ stagedBytesMax: 100_000 })
  const client = await stand.client()
  const log = await stand.log('l')
  const pending = [1, 2, 3].map(() =>
    stand.broker.commit([{ op: 'append', log, ...records('x'.repeat(50_000)) }], client),
  )
  await stand.time.settle()
  const late = await stand.client()
  await stand.wait(Promise.all(pending))
  await stand.settle()
  assert.deepEqual(
    client.notices.map((one) => one.notice),
    ['blocked', 'unblocked'],
  )
  assert.ok(late.notices.length % 2 === 0)
})
