import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../shard/shard.ts'
import { Stand, type Client } from '../testing/stage.ts'

/** What the session keeps is seen by nobody but the memory of the process. */
function sessionOf(stand: Stand, client: Client) {
  const { shard } = stand.broker as unknown as { shard: Shard }
  return shard.sessions.get(client.session)!
}

test('consumers that come and go leave nothing behind but what they hold', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'a')
  const holder = await stand.attach(client, queue, {}, 1)
  await stand.wait(stand.broker.detach(holder, 'keep'))
  for (let i = 0; i < 100; i++) {
    const consumer = await stand.attach(client, queue, {}, 1)
    await stand.wait(stand.broker.detach(consumer, 'keep'))
  }
  assert.deepEqual([...sessionOf(stand, client).held.keys()], [holder])
})

test('of those whose messages are settled by now, few are kept', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  for (let i = 0; i < 100; i++) {
    await stand.append(client, log, 'a')
    const consumer = await stand.attach(client, queue, {}, 1)
    await stand.wait(stand.broker.detach(consumer, 'keep'))
    const ranges = [{ partition: 0, first: i, last: i, attempt: 1 }]
    await stand.commit(client, { op: 'settle', subscription: queue, ranges, as: { do: 'done' } })
  }
  assert.ok(sessionOf(stand, client).held.size <= 16)
})

test('a pool ends with its last consumer and its last credit', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  const [, queue] = await stand.queue('q')
  const { session } = client
  const { pools } = sessionOf(stand, client)
  const consumer = await stand.attach(client, queue, { pool: 1 }, 5)
  stand.broker.credit([{ consumer, messages: 0, pool: 2 }])
  assert.deepEqual([...pools.keys()], [2])
  stand.broker.credit([{ session, pool: 2, messages: 3 }])
  await stand.wait(stand.broker.detach(consumer, 'release'))
  assert.equal(pools.get(2)?.messages, 3)
  stand.broker.credit([{ session, pool: 2, messages: -3 }])
  assert.equal(pools.size, 0)
})
