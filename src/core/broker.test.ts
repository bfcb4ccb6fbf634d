import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, SettleOp } from './facade/index.ts'
import { errorOf, ok, records, Stand, valuesOf } from './testing/stage.ts'
import { onBoth } from './testing/both.ts'

const settleAll = (
  subscription: number,
  deliveries: readonly Delivery[],
  as: SettleOp['as'] = { do: 'done' },
): SettleOp => ({
  op: 'settle',
  subscription,
  as,
  ranges: deliveries.map(({ batch, first, count, attempt }) => ({
    partition: batch.partition,
    first: batch.baseOffset + first,
    last: batch.baseOffset + first + count - 1,
    attempt,
  })),
})

onBoth('append, read by position, and wait for more', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('a')
  const [first] = await stand.append(client, log, 'x', 'y')
  assert.deepEqual(
    { ...first, appendTime: 0 },
    { op: 'append', partition: 0, baseOffset: 0, start: 0, appendTime: 0, duplicate: false },
  )
  assert.deepEqual(await stand.readAll(log), ['x', 'y'])
  const waiting = stand.broker.read([{ log, partition: 0, offset: 2, bytesMax: 1000 }], {
    session: client.session,
    bytesMin: 1,
    bytesMax: 1000,
    waitMs: 10_000,
  })
  await stand.append(client, log, 'z')
  const [part] = await stand.wait(waiting)
  assert.equal(String(ok(part).batches[0]!.table.value(0)), 'z')
  assert.equal(ok(part).end, 3)
})

onBoth('a queue delivers with credit, each record once, and settled ones never again', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'a', 'b', 'c')
  const consumer = await stand.attach(client, queue, {}, 2)
  const got = client.deliveries.slice()
  assert.deepEqual(client.values(), ['a', 'b'])
  await stand.commit(client, settleAll(queue, got))
  stand.broker.credit([{ consumer, messages: 1 }])
  await stand.settle()
  assert.deepEqual(client.values(), ['c'])
  assert.deepEqual(stand.broker.stats(queue).leased, 1)
  assert.equal(stand.broker.bounds(log)[0]!.start, 2, 'consumed records go')
  await stand.wait(stand.broker.detach(consumer, 'release'))
  await stand.attach(client, queue)
  assert.equal(client.deliveries[0]!.attempt, 2)
  assert.deepEqual(client.values(), ['c'])
})

onBoth('publish reaches bound logs, queues and live sessions, once each', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [queue] = await stand.queue('q')
  const topic = await stand.log('orders.eu', { bound: ['orders', 'eu'] })
  await stand.route('orders.#', queue)
  await stand.route('*.eu', queue)
  await stand.route('orders.*', { session: client.session }, { owner: client.session })
  const [result] = await stand.publish(client, 'orders.eu', 'one')
  assert.deepEqual(result, { op: 'publish', logs: 2, sinks: 1 })
  assert.deepEqual(await stand.readAll(topic), ['one'])
  assert.deepEqual(await stand.readAll(queue), ['one'])
  assert.equal(client.deliveries[0]!.consumer, 0)
  assert.deepEqual(client.values(), ['one'])
  await stand.append(client, topic, 'two')
  assert.deepEqual(await stand.readAll(queue), ['one', 'two'])
  assert.deepEqual(client.values(), ['two'])
  const [nowhere] = await stand.publish(client, 'else', 'lost')
  assert.deepEqual(nowhere, { op: 'publish', logs: 0, sinks: 0, unrouted: 'all' })
})

onBoth('take leases what has just been published', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  void stand.append(client, log, 'a', 'b')
  const taken = ok(
    await stand.wait(
      stand.broker.take({
        session: client.session,
        subscription: queue,
        messages: 1,
        leaseMs: 1000,
        settle: 'byConsumer',
      }),
    ),
  )
  assert.equal(String(taken[0]!.batch.table.value(taken[0]!.first)), 'a')
  await stand.settle(1001)
  const again = ok(
    await stand.wait(
      stand.broker.take({
        session: client.session,
        subscription: queue,
        messages: 10,
        leaseMs: 1000,
        settle: 'byConsumer',
      }),
    ),
  )
  assert.deepEqual(
    again.map((one) => [one.attempt, one.count]),
    [
      [2, 1],
      [1, 1],
    ],
  )
})

test('take waits for a slow disk: a queue is not empty because its messages are still being read', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'a')
  const read = stand.store.read.bind(stand.store)
  const slowly = (...terms: Parameters<typeof read>) =>
    new Promise((resolve) => stand.time.after(50, () => resolve(read(...terms))))
  Object.assign(stand.store, { read: slowly })
  const { session } = client
  const take = stand.broker.take({ session, subscription: queue, messages: 1, leaseMs: 1000, settle: 'byConsumer' })
  assert.deepEqual(ok(await stand.wait(take)).flatMap(valuesOf), ['a'])
})

onBoth('definitions: create, ensure, replace, drop', async (open) => {
  const stand = await open()
  const log = await stand.log('a')
  const spec = { kind: 'log', namespace: stand.namespace, name: ['a'], partitions: 3 } as const
  assert.equal(errorOf((await stand.wait(stand.broker.define([spec], 'create')))[0]), 'exists')
  assert.deepEqual(ok((await stand.wait(stand.broker.define([spec], 'ensure')))[0]), {
    id: log,
    revision: 1,
    created: false,
  })
  assert.deepEqual(ok((await stand.wait(stand.broker.define([spec], 'replace')))[0]), {
    id: log,
    revision: 2,
    created: false,
  })
  assert.equal(stand.broker.bounds(log).length, 3)
  ok((await stand.wait(stand.broker.drop([{ id: log }])))[0])
  assert.equal(stand.broker.findLog(stand.namespace, ['a']), undefined)
  const client = await stand.client()
  const [result] = await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('x') }], client))
  assert.equal(errorOf(result), 'notFound')
  assert.notEqual(await stand.log('a'), log, 'ids are never given again (T7)')
})

onBoth('what was acknowledged is there after a crash, and what was not settled comes again', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', {}, { keep: {} })
  await stand.append(client, log, 'a', 'b', 'c')
  await stand.commit(client, {
    op: 'advance',
    log,
    subscription: 'g',
    positions: [{ partition: 0, offset: 2, note: 'n' }],
  })
  await stand.attach(client, queue, {}, 2)
  await stand.commit(
    client,
    settleAll(
      queue,
      client.deliveries.slice(0, 1).map((d) => ({ ...d, count: 1 })),
    ),
  )
  await stand.crash()
  assert.equal(stand.broker.findLog(stand.namespace, ['q'])!.id, log)
  assert.deepEqual(await stand.readAll(log), ['a', 'b', 'c'])
  assert.deepEqual(stand.broker.positions(log, 'g'), [{ partition: 0, offset: 2, note: 'n' }])
})
