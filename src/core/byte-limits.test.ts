import assert from 'node:assert/strict'
import { onBoth } from './testing/both.ts'
import { errorOf, ok, records, type Client, type Stand } from './testing/stage.ts'
import type { Delivery, Id, Op, SettleOp, Verdict } from './facade/index.ts'

const settling = (subscription: Id, as: Verdict, { batch, first, count, attempt }: Delivery): SettleOp => ({
  op: 'settle',
  subscription,
  as,
  ranges: [
    {
      partition: batch.partition,
      first: batch.baseOffset + first,
      last: batch.baseOffset + first + count - 1,
      attempt,
    },
  ],
})

async function tryAppend(stand: Stand, client: Client, log: Id, ...values: string[]) {
  const op: Op = { op: 'append', log, ...records(...values) }
  const [result] = await stand.wait(stand.broker.commit([op], client))
  return result
}

onBoth('a restart drops nothing of a queue that is below its limit in bytes', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 250 })
  for (let i = 0; i < 20; i++) await stand.append(client, log, `message ${10 + i}`)
  await stand.crash()
  await stand.settle()
  assert.equal(stand.broker.stats(queue).ready, 20)
  assert.equal(stand.broker.stats(queue).readyBytes, 200)
  const again = await stand.client()
  for (let i = 0; i < 10; i++) await stand.append(again, log, `message ${30 + i}`)
  await stand.settle()
  const { ready, readyBytes } = stand.broker.stats(queue)
  assert.deepEqual([ready, readyBytes], [25, 250])
})

onBoth('after a restart a queue that refuses has room for what is taken out of it', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 250, overflow: 'refuse' })
  for (let i = 0; i < 25; i++) await stand.append(client, log, `message ${10 + i}`)
  await stand.crash()
  await stand.settle()
  const again = await stand.client()
  assert.equal(errorOf(await tryAppend(stand, again, log, 'one more')), 'full')
  await stand.attach(again, queue, {}, 3)
  ok(await tryAppend(stand, again, log, 'one more'))
})

onBoth('messages of different sizes come back as large as they went', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 10_000, overflow: 'refuse' })
  const consumer = await stand.attach(client, queue, {}, 0)
  for (let round = 0; round < 3; round++) {
    await stand.append(client, log, 'x'.repeat(5000), ...Array.from({ length: 9 }, () => 'y'))
    stand.broker.credit([{ consumer, messages: 10 }])
    await stand.settle()
    const [delivery] = client.deliveries.splice(0)
    assert.equal(delivery?.count, 10)
    const large = { ...delivery, count: 1 }
    const small = { ...delivery, first: delivery.first + 1, count: 9 }
    await stand.commit(client, settling(queue, { do: 'done' }, large), settling(queue, { do: 'release' }, small))
    assert.equal(stand.broker.stats(queue).readyBytes, 9)
    stand.broker.credit([{ consumer, messages: 9 }])
    await stand.settle()
    const [back] = client.deliveries.splice(0)
    await stand.commit(client, settling(queue, { do: 'done' }, back!))
    assert.equal(stand.broker.stats(queue).readyBytes, 0)
  }
})

onBoth('no more is dropped than the limit asks for, large messages or small', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 100 })
  await stand.append(client, log, 'x'.repeat(91), ...Array.from({ length: 9 }, () => 'y'), 'z')
  await stand.settle()
  const { ready, readyBytes } = stand.broker.stats(queue)
  assert.deepEqual([ready, readyBytes], [10, 10])
})

onBoth('what expires takes its own bytes with it', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 1000 })
  await stand.commit(client, { op: 'append', log, ...records('x'.repeat(900)), expiresAt: stand.time.now() + 50 })
  await stand.append(client, log, 'y', 'y', 'y')
  await stand.settle()
  const { ready, readyBytes } = stand.broker.stats(queue)
  assert.deepEqual([ready, readyBytes], [3, 3])
})

onBoth('a queue over what was there before counts it, and after a seek, too', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const log = await stand.log('q')
  for (let i = 0; i < 10; i++) await stand.append(client, log, `message ${10 + i}`)
  const policy = { readyBytesMax: 1000 }
  const queue = await stand.define({ kind: 'subscription', log, name: '', mode: 'leased', policy })
  await stand.attach(client, queue, { settle: 'onDelivery' }, 5)
  await stand.settle()
  assert.equal(stand.broker.stats(queue).readyBytes, 50)
  await stand.commit(client, { op: 'seek', subscription: queue, to: 'first' })
  await stand.settle()
  assert.equal(stand.broker.stats(queue).readyBytes, 100)
})
