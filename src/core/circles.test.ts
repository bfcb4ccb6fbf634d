import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Id, SubscriptionSpec } from './facade/index.ts'
import { onBoth } from './testing/both.ts'
import { records, Stand } from './testing/stage.ts'

/** Three queues that get all that is published in the space `x`, and where their dead letters go. */
async function threeOf(
  stand: Stand,
  policy: SubscriptionSpec['policy'],
): Promise<{ space: Id; logs: Id[]; queues: Id[] }> {
  const space = await stand.define({ kind: 'space', namespace: stand.namespace, name: 'x' })
  const logs: Id[] = []
  const queues: Id[] = []
  for (const name of ['a', 'b', 'c']) {
    const [log, queue] = await stand.queue(name, { ...policy, deadLetter: { to: 'space', space: 'x' } })
    await stand.define({ kind: 'route', space, pattern: { levels: [{ any: 'rest' }] }, target: { log } })
    logs.push(log)
    queues.push(queue)
  }
  return { space, logs, queues }
}

test('full queues whose dead letters lead to all of them are asked a few times, and the publisher gets its answer', async (t) => {
  const stand = await Stand.open()
  const client = await stand.client()
  const { space, logs } = await threeOf(stand, { readyMax: 0, overflow: 'refuseDeadLetter' })
  const all = await stand.log('all')
  await stand.define({ kind: 'route', space, pattern: { levels: [{ any: 'rest' }] }, target: { log: all } })
  const { router } = stand.broker['shard']
  const match = router.match.bind(router)
  let publishes = 0
  t.mock.method(router, 'match', (...args: Parameters<typeof match>) => {
    assert.ok(++publishes < 100, 'no end of publishing')
    return match(...args)
  })
  const [answer] = await stand.commit(client, { op: 'publish', to: [{ space, levels: ['k'] }], ...records('m') })
  assert.ok(answer?.op === 'publish')
  assert.equal(answer.logs, 1)
  assert.deepEqual(
    answer.refused?.map(({ log }) => log),
    logs,
  )
  assert.equal((await stand.readAll(all)).length, publishes, 'one copy of what was published, and of each dead letter')
})

onBoth('what expires does not come back to where it has expired', async (open) => {
  const stand = await open({ hopsMax: 5 })
  const client = await stand.client()
  const { space, logs } = await threeOf(stand, { ttlMs: 0 })
  await stand.commit(client, { op: 'publish', to: [{ space, levels: ['k'] }], ...records('m') })
  await stand.settle(2000)
  const stored = logs.map((log) => stand.broker.bounds(log)[0]!.end)
  assert.deepEqual(stored, [5, 5, 5], 'one each, two of the others each, and one of these')
})

onBoth('a chain of queues is no circle: delays in powers of two pass through some thirty', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const last = 30
  const logs: Id[] = []
  for (let n = 0; n <= last; n++) {
    const dead = n < last ? { ttlMs: 10, deadLetter: { to: 'log', name: [`q${n + 1}`] } as const } : {}
    logs.push((await stand.queue(`q${n}`, dead))[0])
  }
  await stand.append(client, logs[0]!, 'm')
  await stand.settle(2000)
  assert.deepEqual(await stand.readAll(logs[last]!), ['m'])
})

onBoth('what is rejected waits, and comes back, for ever', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { deadLetter: { to: 'log', name: ['wait'] } })
  await stand.queue('wait', { ttlMs: 10, deadLetter: { to: 'log', name: ['q'] } })
  await stand.append(client, log, 'm')
  await stand.attach(client, queue)
  for (let offset = 0; offset < 40; offset++) {
    assert.deepEqual(client.values(), ['m'])
    const ranges = [{ partition: 0, first: offset, last: offset, attempt: 1 }]
    const as = { do: 'reject', reason: 'rejected' } as const
    await stand.commit(client, { op: 'settle', subscription: queue, ranges, as })
    await stand.settle()
  }
})
