import assert from 'node:assert/strict'
import type { Id, SeekOp } from './facade/index.ts'
import { onBoth } from './testing/both.ts'
import type { Client, Stand } from './testing/stage.ts'

const seek = (stand: Stand, client: Client, subscription: Id, to: SeekOp['to']) =>
  stand.commit(client, { op: 'seek', subscription, to })

onBoth('a leased subscription starts again where it is told, and old leases mean nothing', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', {}, { keep: {} })
  for (const value of ['a', 'b', 'c', 'd']) await stand.append(client, log, value)
  await stand.attach(client, queue, {}, 3)
  const [first, ...others] = client.deliveries.slice()
  assert.deepEqual(client.values(), ['a', 'b', 'c'])
  const settle = (delivery: typeof first) => ({
    op: 'settle' as const,
    subscription: queue,
    as: { do: 'done' as const },
    ranges: [
      { partition: 0, first: delivery!.batch.baseOffset, last: delivery!.batch.baseOffset, attempt: delivery!.attempt },
    ],
  })
  await stand.commit(client, settle(first))
  await seek(stand, client, queue, { offsets: [{ partition: 0, offset: 1 }] })
  const [stale] = await stand.commit(client, settle(others[0]))
  assert.deepEqual(stale, { op: 'settle', done: 0, stale: 1 })
  await stand.crash()
  const next = await stand.client()
  await stand.attach(next, queue)
  assert.deepEqual(next.values(), ['b', 'c', 'd'])
  await seek(stand, next, queue, 'first')
  await stand.settle()
  assert.deepEqual(next.values(), ['a', 'b', 'c', 'd'])
})

onBoth('to the end, to a time; positional ones too; over a crash', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', {}, { keep: {} })
  await stand.append(client, log, 'a', 'b')
  await stand.commit(client, { op: 'advance', log, subscription: 'g', positions: [{ partition: 0, offset: 2 }] })
  await seek(stand, client, queue, 'end')
  assert.equal(stand.broker.stats(queue).ready, 0)
  await stand.append(client, log, 'c')
  await stand.crash()
  const next = await stand.client()
  assert.equal(stand.broker.stats(queue).ready, 1)
  await seek(stand, next, queue, { time: 0 })
  assert.equal(stand.broker.stats(queue).ready, 3)
  assert.ok(stand.broker.stats(queue).readyBytes > 0)
  await seek(stand, next, queue, { time: 5000 })
  assert.equal(stand.broker.stats(queue).ready, 0)
  const positional = stand.broker.findSubscription(log, 'g', 'positional')!.id
  await seek(stand, next, positional, 'first')
  assert.equal(stand.broker.positions(log, 'g')[0]!.offset, 0)
  await stand.crash()
  assert.equal(stand.broker.positions(log, 'g')[0]!.offset, 0)
})
