import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReadAhead } from './consume/read-ahead.ts'
import type { Lane } from './consume/leased.ts'
import { StoredBatch } from './shard/batches.ts'
import { Client, Stand } from './testing/stage.ts'

/** Notes the largest number of records, and of bytes, that came in one turn: all that came at one moment. */
class Counting extends Client {
  records = 0
  bytes = 0
  order: number[] = []

  override deliver(deliveries: Parameters<Client['deliver']>[0]): void {
    super.deliver(deliveries)
    for (const { batch, first, count, subscription } of deliveries) {
      this.records += count
      this.order.push(subscription)
      for (let i = first; i < first + count; i++) this.bytes += batch.table.valueBytes(i)
    }
  }
}

async function countingClient(stand: Stand): Promise<Counting> {
  const client = new Counting()
  const opened = await stand.wait(stand.broker.open({ namespace: stand.namespace, user: 'me' }, client))
  assert.ok('ok' in opened)
  client.session = opened.ok.session
  client.epoch = opened.ok.epoch
  return client
}

test('one turn hands out so many bytes, of all queues together, and the next turns the rest', async () => {
  const stand = await Stand.open({ deliveredBytesPerTurn: 10_000 })
  const client = await countingClient(stand)
  const perTurn: number[] = []
  for (const name of ['a', 'b', 'c']) {
    const [log, queue] = await stand.queue(name)
    for (let i = 0; i < 20; i++) await stand.append(client, log, 'x'.repeat(1000))
    const { broker } = stand
    const attached = await stand.wait(
      broker.attach({ session: client.session, subscription: queue, leaseMs: Infinity, settle: 'byConsumer' }),
    )
    assert.ok('ok' in attached)
    broker.flow(client.session, client.epoch, false)
    broker.credit([{ consumer: attached.ok.consumer, messages: Infinity }])
  }
  await stand.settle()
  assert.equal(client.bytes, 0)
  const deliver = client.deliver.bind(client)
  client.deliver = (deliveries) => {
    const before = client.bytes
    deliver(deliveries)
    perTurn.push(client.bytes - before)
  }
  stand.broker.flow(client.session, client.epoch, true)
  await stand.settle()
  assert.equal(client.bytes, 60_000)
  assert.ok(Math.max(...perTurn) <= 11_000, perTurn.join(', '))
})

test('a queue with few records has its turn beside those with very many', async () => {
  const stand = await Stand.open({ deliveriesPerTurn: 512 })
  const client = await countingClient(stand)
  const queues: number[] = []
  for (let i = 0; i < 8; i++) {
    const [log, queue] = await stand.queue(`hot${i}`)
    await stand.append(client, log, ...Array.from({ length: 4000 }, () => 'x'))
    queues.push(queue)
  }
  const [log, small] = await stand.queue('small')
  await stand.append(client, log, 'y')
  const consumers: number[] = []
  stand.broker.flow(client.session, client.epoch, false)
  for (const queue of [...queues, small]) consumers.push(await stand.attach(client, queue))
  stand.broker.flow(client.session, client.epoch, true)
  await stand.settle()
  assert.equal(client.records, 32_001)
  const before = client.order.indexOf(small)
  assert.ok(before >= 0 && before <= queues.length, `its turn came after ${before} others`)
})

test('a suspended session is given nothing, and others its share; afterwards it goes on', async () => {
  const stand = await Stand.open()
  const [slow, fast] = [await stand.client(), await stand.client()]
  const [log, queue] = await stand.queue('q')
  await stand.attach(slow, queue, {}, 1000)
  await stand.attach(fast, queue, {}, 1000)
  stand.broker.flow(slow.session, slow.epoch, false)
  for (let i = 0; i < 10; i++) await stand.append(fast, log, 'x')
  await stand.settle()
  assert.deepEqual([slow.deliveries.length, fast.deliveries.reduce((sum, each) => sum + each.count, 0)], [0, 10])
  stand.broker.flow(fast.session, fast.epoch, false)
  await stand.append(fast, log, 'y')
  stand.broker.flow(slow.session, slow.epoch, true)
  await stand.settle()
  assert.equal(slow.deliveries.length, 1)
})

test('what is read ahead stays within its bound: who read longest ago reads again', () => {
  const ahead = new ReadAhead(3 * 1024 * 1024)
  const lanes = [1, 2, 3, 4].map(() => ({ batch: null, ahead: [] }) as unknown as Lane)
  const facts = { baseOffset: 0, count: 1, maxTimestamp: 0, appendTime: 0, flags: 0, meta: Buffer.alloc(0) }
  const slab = (): StoredBatch => new StoredBatch(0, { ...facts, batch: Buffer.alloc(1024 * 1024).subarray(0, 10) })
  for (const lane of lanes) ahead.keep(lane, [slab()], 0)
  assert.equal(ahead.bytes, 3 * 1024 * 1024)
  assert.deepEqual(
    lanes.map((lane) => lane.ahead.length),
    [0, 1, 1, 1],
  )
  ahead.keep(lanes[1]!, [slab()], 0)
  ahead.keep(lanes[0]!, [slab()], 0)
  assert.deepEqual(
    lanes.map((lane) => lane.ahead.length),
    [1, 1, 0, 1],
  )
  ahead.keep(lanes[0]!, [slab(), slab(), slab(), slab(), slab()], 0)
  assert.equal(lanes[0]!.ahead.length, 5, 'one alone may pass the bound')
  for (const lane of lanes) ahead.drop(lane)
  assert.equal(ahead.bytes, 0)
})

test('a connection that was taken over cannot suspend its successor', async () => {
  const stand = await Stand.open()
  const [log, queue] = await stand.queue('q')
  const old = await stand.client({ name: 'c', keepMs: 60_000 })
  const young = await stand.client({ name: 'c', keepMs: 60_000 })
  await stand.attach(young, queue)
  stand.broker.flow(old.session, old.epoch, false)
  await stand.append(young, log, 'a')
  await stand.settle()
  assert.deepEqual(young.values(), ['a'])
})
