import assert from 'node:assert/strict'
import { BatchBuilder, batchHeader } from '../log/index.ts'
import type { AppendOp, Id } from './facade/index.ts'
import { onBoth } from './testing/both.ts'
import { errorOf, ok, records, type Client } from './testing/stage.ts'

const builder = new BatchBuilder()

function produce(log: Id, producer: { id: Id; epoch: number; sequence: number }, ...values: string[]): AppendOp {
  for (const value of values) builder.add(1, null, Buffer.from(value))
  return { op: 'append', log, partition: 0, producer, batch: builder.finish(producer), foreign: true }
}

onBoth('one append to a bound log with 200 capturing logs: one commit, all of them (T1)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const topic = await stand.log('t', { bound: ['t'] })
  const logs: Id[] = []
  for (let i = 0; i < 200; i++) logs.push(await stand.log(`c${i}`))
  for (const log of logs) await stand.route('t', log)
  await stand.append(client, topic, 'x'.repeat(10_000))
  for (const log of logs) assert.equal((await stand.readAll(log)).length, 1)
  await stand.crash()
  for (const log of [topic, ...logs]) assert.equal((await stand.readAll(log))[0]?.length, 10_000)
})

onBoth('a duplicate append gets the first answer and reaches no sink, also after a restart (T2)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const topic = await stand.log('t', { bound: ['t'] })
  await stand.route('t', { session: client.session }, { owner: client.session })
  const producer = { id: client.session, epoch: 1, sequence: 0 }
  const [first] = await stand.commit(client, produce(topic, producer, 'a', 'b'))
  const again = async (who: Client) => (await stand.commit(who, produce(topic, producer, 'a', 'b')))[0]
  assert.deepEqual(await again(client), { ...first, duplicate: true })
  assert.deepEqual(client.values(), ['a', 'b'])
  const [gap] = await stand.wait(stand.broker.commit([produce(topic, { ...producer, sequence: 5 }, 'c')], client))
  assert.equal(errorOf(gap), 'outOfOrder')
  await stand.crash()
  const other = await stand.client()
  const after = await again(other)
  assert.ok(after?.op === 'append' && after.duplicate && after.baseOffset === 0)
  await stand.settle(3000)
  await stand.crash()
  const last = await again(await stand.client())
  assert.ok(last?.op === 'append' && last.duplicate, 'from the checkpoint')
  assert.deepEqual(await stand.readAll(topic), ['a', 'b'])
})

onBoth('a message id is remembered as long as the log says', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('t', { dedupeWindowMs: 2000 })
  const op: AppendOp = { op: 'append', log, messageId: 'm', ...records('a') }
  const [first] = await stand.commit(client, op)
  const [second] = await stand.commit(client, op)
  assert.deepEqual(second, { ...first, duplicate: true })
  await stand.crash()
  const again = await stand.client()
  const [third] = await stand.commit(again, op)
  assert.ok(third?.op === 'append' && third.duplicate)
  await stand.settle(2500)
  const [fourth] = await stand.commit(again, op)
  assert.ok(fourth?.op === 'append' && !fourth.duplicate && fourth.baseOffset === 1)
})

onBoth('a message id that came again after its time is remembered as of then, over a crash too', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('t', {}, { dedupeWindowMs: 2000 })
  const op: AppendOp = { op: 'append', log, messageId: 'm', ...records('a') }
  await stand.commit(client, op)
  await stand.settle(2500)
  const [second] = await stand.commit(client, op)
  await stand.crash()
  await stand.settle(1000)
  const again = await stand.client()
  assert.deepEqual(await stand.commit(again, op), [{ ...second, start: 0, duplicate: true }])
  await stand.attach(again, queue)
  await stand.settle(1500)
  const ranges = [{ partition: 0, first: 0, last: 1, attempt: 1 }]
  const as = { do: 'release', place: 'tail' } as const
  await stand.commit(again, { op: 'settle', subscription: queue, ranges, as })
  await stand.crash()
  const [third] = await stand.commit(await stand.client(), op)
  assert.ok(third?.op === 'append' && !third.duplicate, 'a copy at the tail is no append')
})

onBoth('transactions that span requests are refused, and say so (T3)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('t')
  const { batch } = records('a')
  batch.writeInt16BE(batchHeader.transactionalBit, 21)
  const [result] = await stand.wait(stand.broker.commit([{ op: 'append', log, batch, foreign: false }], client))
  assert.equal(errorOf(result), 'unsupported')
})

onBoth('a cycle of three spaces ends, with one copy (T4)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('l')
  const spaces: Id[] = []
  for (const name of ['a', 'b', 'c']) {
    spaces.push(await stand.define({ kind: 'space', namespace: stand.namespace, name }))
  }
  const pattern = { levels: [{ any: 'rest' as const }] }
  for (let i = 0; i < 3; i++) {
    await stand.define({ kind: 'route', space: spaces[i]!, pattern, target: { space: spaces[(i + 1) % 3]! } })
    await stand.define({ kind: 'route', space: spaces[i]!, pattern, target: { log } })
  }
  const [result] = await stand.commit(client, {
    op: 'publish',
    to: [{ space: spaces[0]!, levels: ['x'] }],
    ...records('a'),
  })
  assert.deepEqual(result, { op: 'publish', logs: 1, sinks: 0 })
  assert.deepEqual(await stand.readAll(log), ['a'])
})

onBoth('an old lease token and an old fetch meet a log that was deleted and made again (T7)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'old')
  await stand.attach(client, queue)
  const waiting = stand.broker.read([{ log, partition: 0, offset: 1, bytesMax: 100 }], {
    session: client.session,
    bytesMin: 1,
    bytesMax: 100,
    waitMs: 60_000,
  })
  ok((await stand.wait(stand.broker.drop([{ id: log }])))[0])
  assert.equal(errorOf((await stand.wait(waiting))[0]), 'notFound')
  assert.deepEqual(
    client.notices.map((one) => one.notice),
    ['gone'],
  )
  const [, fresh] = await stand.queue('q')
  const ranges = [{ partition: 0, first: 0, last: 0, attempt: 1 }]
  const stale = await stand.wait(
    stand.broker.commit([{ op: 'settle', subscription: queue, ranges, as: { do: 'done' } }], client),
  )
  assert.equal(errorOf(stale[0]), 'notFound')
  const none = await stand.commit(client, { op: 'settle', subscription: fresh, ranges, as: { do: 'done' } })
  assert.deepEqual(none, [{ op: 'settle', done: 0, stale: 1 }])
})

onBoth('a guard holds or nothing happens; an atomic commit is all or none', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('l')
  const small = await stand.log('small', { recordBytesMax: 10 })
  await stand.append(client, log, 'a')
  const op = { op: 'append', log, ...records('b') } as const
  const guarded = (end: number) => ({
    session: client.session,
    epoch: client.epoch,
    guards: [{ log, partition: 0, end }],
  })
  assert.equal(errorOf((await stand.wait(stand.broker.commit([op], guarded(0))))[0]), 'conflict')
  ok((await stand.wait(stand.broker.commit([op], guarded(1))))[0])
  const large = { op: 'append', log: small, ...records('x'.repeat(100)) } as const
  const results = await stand.wait(
    stand.broker.commit([op, large], { session: client.session, epoch: client.epoch, atomic: true }),
  )
  assert.deepEqual(results.map(errorOf), ['tooLarge', 'tooLarge'])
  assert.deepEqual(await stand.readAll(log), ['a', 'b'])
})

onBoth('one locked key with a long backlog: others go on (T11)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { order: 'key' })
  for (let i = 0; i < 20; i++)
    await stand.append(client, log, ...Array.from({ length: 500 }, (_, n) => `hot=${i * 500 + n}`))
  await stand.append(client, log, 'cold=free')
  const one = await stand.attach(client, queue, {}, 1)
  assert.deepEqual(client.values(), ['0'])
  stand.broker.credit([{ consumer: one, messages: 0 }])
  const other = await stand.client()
  await stand.attach(other, queue, {}, 10)
  await stand.settle(1000)
  assert.deepEqual(other.values(), ['free'])
})

onBoth('a record that cannot be carried does not block (T13)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'bad', 'good')
  const consumer = await stand.attach(client, queue, {}, 1)
  const ranges = [{ partition: 0, first: 0, last: 0, attempt: 1 }]
  await stand.commit(client, {
    op: 'settle',
    subscription: queue,
    ranges,
    as: { do: 'reject', reason: 'unrepresentable' },
  })
  stand.broker.credit([{ consumer, messages: 1 }])
  await stand.settle()
  assert.deepEqual(client.values(), ['bad', 'good'])
})

onBoth('ids are never given again, over any number of restarts (I9)', async (open) => {
  const stand = await open()
  const seen = new Set<Id>()
  for (let life = 0; life < 4; life++) {
    for (let i = 0; i < 3; i++) {
      const { session } = await stand.client()
      const log = await stand.log(`l${life}-${i}`)
      assert.ok(!seen.has(session) && !seen.has(log))
      seen.add(session).add(log)
    }
    if (life === 2) await stand.settle(5000)
    await stand.crash()
  }
})
