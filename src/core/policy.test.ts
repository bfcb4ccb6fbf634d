import assert from 'node:assert/strict'
import type { Delivery, SettleOp } from './facade/index.ts'
import { errorOf, records, type Client } from './testing/stage.ts'
import { onBoth } from './testing/both.ts'

const settled = (subscription: number, deliveries: readonly Delivery[], as: SettleOp['as']): SettleOp => ({
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

const facts = (client: Client) =>
  client.deliveries.splice(0).map(({ batch, first }) => ({
    value: String(batch.table.value(first)),
    history: batch.history.map(({ log, reason, count }) => `${log.join('.')} ${reason} ${count}`),
    to: batch.address?.levels.join('.'),
  }))

onBoth('rejected: one copy at the dead letter log, with its history; settled here', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [, dead] = await stand.queue('dead', { deadLetter: { to: 'log', name: ['q'] } })
  const [log, queue] = await stand.queue('q', { deadLetter: { to: 'log', name: ['dead'] } })
  await stand.append(client, log, 'a', 'b')
  await stand.attach(client, queue)
  await stand.commit(client, settled(queue, client.deliveries.splice(0), { do: 'reject', reason: 'rejected' }))
  await stand.settle()
  assert.equal(stand.broker.stats(queue).ready + stand.broker.stats(queue).leased, 0)
  await stand.attach(client, dead)
  const got = client.deliveries.slice()
  assert.deepEqual(
    facts(client).map((one) => one.history),
    [['q rejected 1']],
  )
  await stand.commit(client, settled(dead, got, { do: 'reject', reason: 'rejected' }))
  await stand.settle()
  const back = client.deliveries.slice()
  assert.deepEqual(facts(client)[0]!.history, ['dead rejected 1', 'q rejected 1'])
  await stand.commit(client, settled(queue, back, { do: 'reject', reason: 'rejected' }))
  await stand.settle()
  assert.deepEqual(facts(client)[0]!.history, ['q rejected 2', 'dead rejected 1'])
})

onBoth('expired records leave the head for the dead letter space, without a consumer', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const dlx = await stand.define({ kind: 'space', namespace: stand.namespace, name: 'dlx' })
  const [, dead] = await stand.queue('dead')
  const [log] = await stand.queue('q', {
    ttlMs: 500,
    deadLetter: { to: 'space', space: 'dlx', levels: ['to', 'dead'] },
  })
  const target = { log: stand.broker.findLog(stand.namespace, ['dead'])!.id }
  await stand.define({ kind: 'route', space: dlx, pattern: { levels: ['to', { any: 'rest' }] }, target })
  await stand.append(client, log, 'a')
  await stand.commit(client, { op: 'append', log, ...records('b'), expiresAt: stand.time.now() + 300 })
  await stand.settle(450)
  assert.equal(stand.broker.stats(dead).ready, 0)
  await stand.settle(100)
  assert.equal(stand.broker.stats(dead).ready, 2)
  await stand.attach(client, dead)
  assert.deepEqual(facts(client), [
    { value: 'a', history: ['q expired 1'], to: 'to.dead' },
    { value: 'b', history: ['q expired 1'], to: 'to.dead' },
  ])
})

onBoth('over its limit is what nobody takes, not what waits for its turn or for the disk', async (open) => {
  const stand = await open({ deliveriesPerTurn: 10 })
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyMax: 5 })
  const values = Array.from({ length: 100 }, (_, i) => String(i))
  await stand.attach(client, queue, {}, 200)
  await stand.append(client, log, ...values)
  await stand.settle()
  assert.deepEqual(client.values(), values)
  const read = stand.current.read.bind(stand.current)
  stand.current.read = (...given) => new Promise((resolve) => stand.time.after(20, () => resolve(read(...given))))
  await stand.append(client, log, ...values)
  await stand.settle(1000)
  assert.deepEqual(client.values(), values)
  await stand.append(client, log, ...values)
  await stand.settle(1000)
  assert.equal(stand.broker.stats(queue).ready, 5)
})

onBoth('a backlog that expires, or is over a new limit, goes in steps', async (open) => {
  const stand = await open({ movesPerTurn: 100 })
  const client = await stand.client()
  const [, dead] = await stand.queue('dead')
  const deadLetter = { to: 'log', name: ['dead'] } as const
  const [log, queue] = await stand.queue('q', { ttlMs: 5000, deadLetter })
  for (let i = 0; i < 10; i++) await stand.append(client, log, ...Array.from({ length: 100 }, (_, n) => `${i}-${n}`))
  const policy = { ttlMs: 5000, deadLetter, readyMax: 300 }
  const spec = { kind: 'subscription', log, name: '', mode: 'leased', policy } as const
  await stand.wait(stand.broker.define([spec], 'replace'))
  await stand.settle(200)
  assert.equal(stand.broker.stats(queue).ready, 300)
  assert.equal(stand.broker.stats(dead).ready, 700)
  await stand.settle(6000)
  assert.equal(stand.broker.stats(queue).ready, 0)
  assert.equal(stand.broker.stats(dead).ready, 1000)
  await stand.attach(client, dead)
  assert.equal(new Set(client.values()).size, 1000)
})

onBoth('what expires round in circles ends', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { ttlMs: 10, deadLetter: { to: 'log', name: ['q'] } })
  await stand.append(client, log, 'a')
  await stand.settle(2000)
  assert.equal(stand.broker.stats(queue).ready, 0)
})

onBoth('limits: the oldest goes, or the newest is refused', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [, dead] = await stand.queue('dead')
  const deadLetter = { to: 'log', name: ['dead'] } as const
  const [oldest, queue] = await stand.queue('oldest', { readyMax: 2, deadLetter })
  const [refuse, strict] = await stand.queue('refuse', { readyMax: 2, overflow: 'refuse' })
  await stand.append(client, oldest, 'a', 'b', 'c', 'd', 'e')
  await stand.settle()
  assert.equal(stand.broker.stats(queue).ready, 2)
  assert.equal(stand.broker.stats(dead).ready, 3)
  await stand.append(client, refuse, 'a', 'b')
  const [result] = await stand.wait(stand.broker.commit([{ op: 'append', log: refuse, ...records('c') }], client))
  assert.equal(errorOf(result), 'full')
  await stand.route('t', refuse)
  await stand.route('t', oldest)
  const [partly] = await stand.publish(client, 't', 'x')
  assert.equal(partly?.op === 'publish' && partly.logs, 1)
  assert.deepEqual(
    partly?.op === 'publish' && partly.refused?.map(({ log, runs, failure }) => [log, runs, failure.error]),
    [[refuse, [0, 1], 'full']],
  )
  assert.equal(stand.broker.stats(strict).ready, 2)
})

onBoth('what is refused at a limit is what nobody will take, however much waits for the disk', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyMax: 100, overflow: 'refuse' })
  const taken = async (count: number): Promise<number> => {
    const ops = Array.from({ length: count }, () => ({ op: 'append', log, ...records('x') }) as const)
    const results = await stand.wait(stand.broker.commit(ops, client))
    return results.filter((result) => 'ok' in result).length
  }
  await stand.attach(client, queue, {}, 600)
  assert.equal(await taken(500), 500)
  await stand.settle()
  assert.equal(client.values().length, 500)
  assert.equal(await taken(500), 200)
  await stand.settle()
  assert.equal(stand.broker.stats(queue).ready, 100)
  assert.equal(await taken(1), 0)
})

onBoth('a limit in bytes counts values, and what is ready is counted in bytes', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 250 })
  for (let i = 0; i < 5; i++) await stand.append(client, log, String(i).repeat(100))
  await stand.settle()
  assert.deepEqual(stand.broker.stats(queue), {
    ready: 2,
    readyBytes: 200,
    leased: 0,
    delayed: 0,
    consumers: 0,
    lostToRetention: 0,
  })
  await stand.attach(client, queue, {}, 1)
  assert.equal(stand.broker.stats(queue).readyBytes, 100)
})

onBoth('a limit in bytes counts what is there, not what is still on its way', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { readyBytesMax: 250 })
  const appends: Promise<unknown>[] = []
  const append = (): void => void appends.push(stand.append(client, log, 'x'.repeat(100)))
  for (let i = 0; i < 5; i++) append()
  // The next ones are staged in the very moment in which these are durable.
  void appends.at(-1)!.then(() => {
    for (let i = 0; i < 5; i++) append()
  })
  await Promise.all(appends)
  await Promise.all(appends)
  await stand.settle()
  const { ready, readyBytes } = stand.broker.stats(queue)
  assert.deepEqual([ready, readyBytes], [2, 200])
})

onBoth('attempts: back-off between them, and the last one', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [, dead] = await stand.queue('dead')
  const [log, queue] = await stand.queue('q', {
    attemptsMax: 2,
    backOffMs: [1000],
    deadLetter: { to: 'log', name: ['dead'] },
  })
  await stand.append(client, log, 'a')
  await stand.attach(client, queue, { leaseMs: 5000 })
  await stand.commit(client, settled(queue, client.deliveries.splice(0), { do: 'release' }))
  await stand.settle(900)
  assert.equal(client.deliveries.length, 0)
  assert.equal(stand.broker.stats(queue).delayed, 1)
  await stand.settle(200)
  assert.equal(client.deliveries[0]!.attempt, 2)
  await stand.settle(7000)
  assert.equal(
    stand.broker.stats(queue).delayed + stand.broker.stats(queue).leased + stand.broker.stats(queue).ready,
    0,
  )
  assert.equal(stand.broker.stats(dead).ready, 1)
})

onBoth('release to the tail, and with a delay', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.append(client, log, 'a', 'b')
  const consumer = await stand.attach(client, queue, {}, 1)
  await stand.commit(client, settled(queue, client.deliveries.splice(0), { do: 'release', place: 'tail' }))
  stand.broker.credit([{ consumer, messages: 2 }])
  await stand.settle()
  assert.deepEqual(
    client.deliveries.map((one) => one.attempt),
    [1, 1],
  )
  const got = client.deliveries.slice()
  assert.deepEqual(client.values(), ['b', 'a'])
  await stand.commit(client, settled(queue, got, { do: 'release', delayMs: 300, count: false }))
  stand.broker.credit([{ consumer, messages: 2 }])
  await stand.settle(200)
  assert.deepEqual(client.values(), [])
  await stand.settle(200)
  assert.deepEqual(
    client.deliveries.map((one) => one.attempt),
    [1, 1],
  )
})

onBoth('priorities: higher lanes first, requeue keeps its place within one (T10)', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', {}, { lanes: 9 })
  for (const [priority, value] of [
    [1, 'low1'],
    [5, 'high1'],
    [1, 'low2'],
    [5, 'high2'],
    [99, 'most'],
  ] as const) {
    await stand.commit(client, { op: 'append', log, ...records(value), priority })
  }
  const consumer = await stand.attach(client, queue, {}, 2)
  const got = client.deliveries.slice()
  assert.deepEqual(client.values(), ['most', 'high1'])
  await stand.commit(client, settled(queue, got.slice(1), { do: 'release' }))
  stand.broker.credit([{ consumer, messages: 4 }])
  await stand.settle()
  assert.deepEqual(client.values(), ['high1', 'high2', 'low1', 'low2'])
  assert.deepEqual(
    stand.broker.bounds(log).map((one) => one.partition),
    [0, 1, 5, 9],
  )
})

onBoth('while a higher priority is read no lower one goes before it, nor does it overflow first', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const policy = { readyBytesMax: 12, deadLetter: { to: 'log', name: ['dead'] } } as const
  const [dead] = await stand.queue('dead')
  const [log, queue] = await stand.queue('q', policy, { lanes: 9 })
  const read = stand.current.read.bind(stand.current)
  // One batch each time.
  stand.current.read = (id, from, end) =>
    new Promise((resolve) => stand.time.after(20, () => resolve(read(id, from, end, 1))))
  for (let i = 0; i < 3; i++) {
    for (const priority of [0, 9]) {
      await stand.commit(client, { op: 'append', log, ...records(`${priority} ${i}`), priority })
    }
  }
  await stand.settle(1000)
  await stand.attach(client, queue, {}, 4)
  await stand.settle(1000)
  assert.deepEqual(client.values(), ['9 0', '9 1', '9 2', '0 2'])
  stand.current.read = read
  assert.deepEqual(await stand.readAll(dead), ['0 0', '0 1'])
})

onBoth('one key is never in flight at two consumers, and stays in order', async (open) => {
  const stand = await open()
  const one = await stand.client()
  const two = await stand.client()
  const [log, queue] = await stand.queue('q', { order: 'key' })
  await stand.append(one, log, 'k=1', 'k=2', 'l=3', 'k=4')
  await stand.attach(one, queue, {}, 1)
  await stand.attach(two, queue, {}, 3)
  assert.deepEqual(two.values(), ['3'])
  const got = one.deliveries.slice()
  assert.deepEqual(one.values(), ['1'])
  await stand.commit(one, settled(queue, got, { do: 'done' }))
  await stand.settle()
  assert.deepEqual(two.values(), ['2', '4'])
})

onBoth('withheld until its time', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.commit(client, { op: 'append', log, ...records('later'), notBefore: stand.time.now() + 1000 })
  await stand.append(client, log, 'now')
  await stand.attach(client, queue)
  assert.deepEqual(client.values(), ['now'])
  assert.equal(stand.broker.stats(queue).delayed, 1)
  await stand.settle(1000)
  assert.deepEqual(client.values(), ['later'])
})

onBoth('who waits with credit gets what lives shorter than a commit takes; nobody gets it later', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q', { ttlMs: 0 })
  await stand.append(client, log, 'nobody waits')
  await stand.settle()
  assert.equal(stand.broker.stats(queue).ready, 0)
  const consumer = await stand.attach(client, queue, {}, 2)
  await stand.append(client, log, 'a')
  await stand.append(client, log, 'b', 'too many')
  await stand.settle()
  assert.deepEqual(client.values(), ['a', 'b'])
  stand.broker.credit([{ consumer, messages: 1 }])
  await stand.settle()
  assert.deepEqual(client.values(), [])
  assert.equal(stand.broker.stats(queue).ready, 0)
})

onBoth(
  'a subscription that comes after the messages knows which of them expire, and which are withheld',
  async (open) => {
    const stand = await open()
    const client = await stand.client()
    const log = await stand.log('orders', { bound: ['orders'] })
    const to = [{ space: stand.shared, levels: ['orders'] }]
    const publish = (value: string, times: object) => ({ op: 'publish' as const, to, ...records(value), ...times })
    await stand.commit(client, publish('gone', { expiresAt: stand.time.now() + 1000 }))
    await stand.commit(client, { op: 'append', log, ...records('later'), notBefore: stand.time.now() + 5000 })
    await stand.publish(client, 'orders', 'plain')
    await stand.settle(2000)
    const subscribe = (name: string) => stand.define({ kind: 'subscription', log, name, mode: 'leased' })
    await stand.attach(client, await subscribe('one'))
    assert.deepEqual(client.values(), ['plain'])
    await stand.settle(5000)
    assert.deepEqual(client.values(), ['later'])
    await stand.crash()
    const after = await stand.client()
    await stand.attach(after, await subscribe('two'))
    assert.deepEqual(after.values(), ['later', 'plain'])
  },
)
