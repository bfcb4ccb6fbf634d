import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppendOp, Id, Spec, SubscriptionSpec } from '../facade/index.ts'
import { ok, records, Stand } from '../testing/stage.ts'

const queues = 300

/** Queues with 64 KiB each that nobody reads. */
async function filled(
  ttlMs?: number,
  policy: SubscriptionSpec['policy'] = {},
): Promise<{ stand: Stand; subscriptions: Id[] }> {
  const stand = await Stand.open({}, 'journal')
  const more = ttlMs === undefined ? {} : { expiresAt: stand.time.now() + ttlMs }
  const client = await stand.client()
  const { namespace } = stand
  const defined = async (specs: Spec[]): Promise<Id[]> =>
    (await stand.wait(stand.broker.define(specs, 'create'))).map((one) => ok(one).id)
  const keep = { consumed: true }
  const logs = await defined(
    Array.from({ length: queues }, (_, i) => ({
      kind: 'log',
      namespace,
      name: ['queue', String(i)],
      partitions: 1,
      keep,
    })),
  )
  const subscriptions = await defined(
    logs.map((log) => ({ kind: 'subscription', log, name: '', mode: 'leased', policy })),
  )
  const append = (log: Id): AppendOp => ({ op: 'append', log, ...records('x'.repeat(16 * 1024)), ...more })
  await stand.commit(client, ...logs.flatMap((log) => Array.from({ length: 4 }, () => append(log))))
  return { stand, subscriptions }
}

/** Counts what the store of the next life is asked to read: of each partition, and at the same time. */
function countReads(stand: Stand): { of: Map<number, number>; most: number } {
  const reads = { of: new Map<number, number>(), most: 0 }
  let underWay = 0
  const openStore = stand['openStore'].bind(stand)
  stand['openStore'] = async (machine) => {
    const store = await openStore(machine)
    const read = store.read.bind(store)
    store.read = (partition, ...rest) => {
      const result = read(partition, ...rest)
      reads.of.set(partition, (reads.of.get(partition) ?? 0) + 1)
      if (!(result instanceof Promise)) return result
      reads.most = Math.max(reads.most, ++underWay)
      return result.finally(() => underWay--)
    }
    return store
  }
  return reads
}

test('a start looks at when heads expire a few at a time, once, and each expires at its time', async () => {
  const { stand, subscriptions } = await filled(60_000)
  const reads = countReads(stand)
  await stand.crash({ readAheadBytesMax: 1024 * 1024 })
  await stand.settle(10_000)
  assert.equal(reads.of.size, queues)
  assert.ok([...reads.of.values()].every((count) => count === 1))
  assert.ok(reads.most > 1 && reads.most <= 8, `${reads.most} at once`)
  const ready = (): number => subscriptions.reduce((sum, one) => sum + stand.broker.stats(one).ready, 0)
  assert.equal(ready(), 4 * queues)
  await stand.settle(60_000)
  assert.equal(ready(), 0)
})

test('a start looks at no head where nothing ever expired', async () => {
  const { stand, subscriptions } = await filled()
  const reads = countReads(stand)
  await stand.crash()
  await stand.settle(10_000)
  assert.equal(reads.of.size, 0)
  const client = await stand.client()
  await stand.attach(client, subscriptions[7]!)
  assert.equal(client.values().length, 4)
  assert.equal(reads.of.size, 1)
})

test('a start counts what is in queues with a limit in bytes a few at a time, and keeps all of it', async () => {
  const readyBytesMax = 64 * 1024
  const { stand, subscriptions } = await filled(undefined, { readyBytesMax })
  const reads = countReads(stand)
  await stand.crash()
  await stand.settle(10_000)
  assert.equal(reads.of.size, queues)
  assert.ok(reads.most > 1 && reads.most <= 8, `${reads.most} at once`)
  for (const one of subscriptions) {
    const { ready, readyBytes } = stand.broker.stats(one)
    assert.deepEqual([ready, readyBytes], [4, readyBytesMax])
  }
})

test('what once expired in a log is known after each restart', async () => {
  const stand = await Stand.open({}, 'journal')
  const log = await stand.log('q', { lanes: 1 })
  const expiresAt = stand.time.now() + 1000
  await stand.commit(await stand.client(), { op: 'append', log, ...records('gone'), expiresAt })
  for (let starts = 0; starts < 3; starts++) {
    await stand.settle(5000)
    await stand.crash()
    const late = await stand.client()
    await stand.append(late, log, 'stays')
    await stand.attach(late, await stand.define({ kind: 'subscription', log, name: `${starts}`, mode: 'leased' }))
    assert.deepEqual(late.values(), Array<string>(starts + 1).fill('stays'))
  }
})
