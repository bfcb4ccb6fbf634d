import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchHeader } from '../log/index.ts'
import type { Id, Spec } from './facade/index.ts'
import { errorOf, ok, records, Stand } from './testing/stage.ts'
import { TornDisk } from './testing/torn-disk.ts'

const queues = 1000

/** A bound log, and queues that capture what is published at its address: their ids, the bound one first. */
async function captured(stand: Stand): Promise<Id[]> {
  const logs = Array.from({ length: queues }, (_, i): Spec => ({
    kind: 'log',
    namespace: stand.namespace,
    name: ['queue', String(i)],
    partitions: 1,
  }))
  const bound: Spec = { kind: 'log', namespace: stand.namespace, name: ['a', 'b'], partitions: 1, bound: ['a', 'b'] }
  const ids = (await stand.wait(stand.broker.define([bound, ...logs], 'create'))).map((one) => ok(one).id)
  const routes = ids.slice(1).map((log): Spec => ({
    kind: 'route',
    space: stand.shared,
    pattern: { levels: ['a', { any: 'rest' }] },
    target: { log },
  }))
  for (const one of await stand.wait(stand.broker.define(routes, 'create'))) ok(one)
  return ids
}

/** A broker over the real journal on that disk: the next life of what was there. */
async function life(disk: TornDisk): Promise<Stand> {
  disk.budgetBytes = Infinity
  const stand = new Stand('journal', disk)
  await stand.start()
  return stand
}

const having = (stand: Stand, logs: readonly Id[]): number =>
  logs.filter((log) => stand.broker.bounds(log)[0]!.end === 1).length

test('T1: one append that a thousand logs capture is one payload in one commit', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const logs = await captured(stand)
  const before = stand.journal.commits.length
  await stand.append(client, logs[0]!, 'x'.repeat(1000))
  assert.equal(stand.journal.commits.length, before + 1)
  const extents = stand.journal.commits.at(-1)!.items.flatMap((item) => (item.is === 'extent' ? [item.extent] : []))
  assert.equal(extents.length, queues + 1)
  assert.equal(new Set(extents.map((extent) => extent.batch)).size, 1)
  assert.equal(having(stand, logs), queues + 1)
})

test('T1: after a crash at any write, all copies are there or none; what was acknowledged is', async () => {
  const payloadBytes = 20_000
  let commitBytes = 0
  const outcomes: number[] = []
  for (let cut = -1; cut <= commitBytes; cut += 4096) {
    const disk = new TornDisk()
    const stand = await life(disk)
    const client = await stand.client()
    const logs = await captured(stand)
    await stand.settle()
    const before = disk.commitBytes
    disk.budgetBytes = cut < 0 ? Infinity : cut
    const acks: unknown[] = []
    const { session, epoch } = client
    const append = stand.broker.commit([{ op: 'append', log: logs[0]!, ...records('x'.repeat(payloadBytes)) }], {
      session,
      epoch,
    })
    append.then(
      (results) => acks.push(results),
      () => undefined,
    )
    await stand.time.settle()
    if (cut < 0) {
      assert.equal(acks.length, 1)
      commitBytes = disk.commitBytes - before
      assert.ok(commitBytes < payloadBytes + queues * 40, `${commitBytes} bytes for ${queues} copies`)
    }
    const next = await life(disk)
    const copies = having(next, logs)
    assert.ok(copies === 0 || copies === queues + 1, `${copies} copies after ${cut} of ${commitBytes} bytes`)
    if (acks.length > 0) assert.equal(copies, queues + 1)
    outcomes.push(copies)
    if (copies > 0) assert.deepEqual(await next.readAll(logs.at(-1)!), ['x'.repeat(payloadBytes)])
  }
  const [uncut, ...cuts] = outcomes
  assert.equal(uncut, queues + 1)
  assert.deepEqual(
    cuts,
    cuts.toSorted((a, b) => a - b),
    'more bytes, not less',
  )
  assert.ok(cuts.filter((copies) => copies === 0).length > 5)
})

test('T13: a record that a consumer cannot carry is rejected as such, and the ones behind it come', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  await stand.queue('dead')
  const [log, queue] = await stand.queue('q', { attemptsMax: 3, deadLetter: { to: 'log', name: ['dead'] } })
  await stand.append(client, log, 'far too large', 'small')
  const consumer = await stand.attach(client, queue, {}, 1)
  const [large] = client.deliveries.splice(0)
  const range = { partition: 0, first: large!.batch.baseOffset, last: large!.batch.baseOffset, attempt: large!.attempt }
  await stand.commit(client, {
    op: 'settle',
    subscription: queue,
    ranges: [range],
    as: { do: 'reject', reason: 'unrepresentable' },
  })
  stand.broker.credit([{ consumer, messages: 1 }])
  await stand.settle(60_000)
  assert.deepEqual(client.values(), ['small'])
  const dead = stand.broker.findLog(stand.namespace, ['dead'])!.id
  const deadQueue = stand.broker.findSubscription(dead, '', 'leased')!.id
  const [letter] = await stand.wait(stand.broker.peek(deadQueue, 10))
  assert.deepEqual(
    letter!.batch.history.map((entry) => [entry.log, entry.reason]),
    [[['q'], 'unrepresentable']],
  )
  assert.equal(stand.broker.stats(queue).ready, 0)
})

test('T11: one key that is in flight for ever: the others of the queue go on', async () => {
  const stand = await Stand.open()
  const [stuck, worker] = [await stand.client(), await stand.client()]
  const [log, queue] = await stand.queue('q', { order: 'key' })
  await stand.append(stuck, log, 'k=0')
  await stand.attach(stuck, queue, {}, 1)
  assert.deepEqual(stuck.values(), ['0'])
  const backlog = Array.from({ length: 1000 }, (_, i) => (i % 100 === 0 ? `other${i}=${i}` : 'k=waits'))
  for (let batch = 0; batch < 10; batch++) await stand.append(stuck, log, ...backlog)
  await stand.attach(worker, queue)
  await stand.settle(1000)
  assert.equal(worker.values().length, 100)
  assert.equal(stand.broker.stats(queue).delayed, 10_000 - 100)
})

test('records that cannot be read are refused before anything is stored, where somebody would have to read them', async () => {
  const stand = await Stand.open()
  const [client, other] = [await stand.client(), await stand.client()]
  const log = await stand.log('q', { bound: ['a'] })
  await stand.route('a', { session: other.session }, { owner: other.session })
  const { batch } = records('x', 'y')
  batch.fill(0xff, batchHeader.batchHeaderBytes)
  const { session, epoch } = client
  const [refused] = await stand.wait(
    stand.broker.commit([{ op: 'append', log, batch, foreign: false }], { session, epoch }),
  )
  assert.equal(errorOf(refused), 'invalid')
  assert.equal(stand.broker.bounds(log)[0]!.end, 0)
  await stand.append(client, log, 'good')
  assert.deepEqual(other.values(), ['good'])
})
