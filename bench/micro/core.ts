/**
 * What the core costs without sockets and without a disk: its structures alone, then publish, route, lease and settle
 * over a store in memory. One process; read the ratios. `node bench/micro/core.ts [part of a name]`
 */
import assert from 'node:assert/strict'
import { openBroker } from '../../src/core/index.ts'
import type {
  Broker,
  Delivery,
  Id,
  OffsetRange,
  Op,
  PatternLevel,
  Receiver,
  RouteSpec,
  Spec,
} from '../../src/core/index.ts'
import { LeaseQueue } from '../../src/core/queue/lease-queue.ts'
import { Router } from '../../src/core/route/index.ts'
import { BatchBuilder, openStore } from '../../src/log/index.ts'
import { systemClock, systemRandom, systemTimers } from '../../src/world/node/index.ts'

const world = { clock: systemClock, timers: systemTimers, random: systemRandom }
const wanted = process.argv[2] ?? ''

/** `run` does something `count` times; the second of two runs counts. CPU time, so that neighbours do not show. */
async function measure(what: string, count: number, run: () => void | Promise<void>): Promise<void> {
  if (!what.includes(wanted)) return
  await run()
  const start = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(start)
  const ms = (user + system) / 1000
  const each = ((ms * 1e6) / count).toFixed(0).padStart(8)
  console.log(`${what.padEnd(62)} ${each} ns ${(count / ms).toFixed(0).padStart(8)} k/s`)
}

async function queues(): Promise<void> {
  const million = 1_000_000
  for (const run of [1, 10, 500]) {
    await measure(`queue: lease and settle, runs of ${run}`, million, () => {
      const queue = new LeaseQueue(0)
      queue.extend(million, million)
      for (let at = queue.next(); at >= 0; at = queue.next()) {
        queue.lease(at, queue.run(at, run), 1, 30_000, at, run)
        queue.done(at, at + run - 1, 1)
      }
    })
  }
  await measure('queue: lease all, release all, lease again, settle backwards', million, () => {
    const queue = new LeaseQueue(0)
    queue.extend(million, million)
    for (let at = queue.next(); at >= 0; at = queue.next()) queue.lease(at, queue.run(at, 100), 1, Infinity, 0, 100)
    queue.releaseConsumer(1, true, 0)
    for (let at = queue.next(); at >= 0; at = queue.next()) queue.lease(at, queue.run(at, 100), 1, Infinity, 0, 100)
    for (let at = million - 1; at >= 0; at--) queue.done(at, at, 2)
    assert.equal(queue.floor, million)
  })
  await measure('queue: with keys, 1000 of them', million / 10, () => {
    const queue = new LeaseQueue(0)
    queue.extend(million / 10, 0)
    for (let at = queue.next(); at >= 0; at = queue.next()) {
      queue.leaseKeyed(at, `key ${at % 1000}`, 1, 30_000, 0, 0)
      queue.done(at, at, 1)
    }
  })
}

const rest: PatternLevel = { any: 'rest' }
const one: PatternLevel = { any: 'one' }

async function routes(): Promise<void> {
  const router = new Router({ below: () => 0, alternateOf: () => 0 })
  const add = (id: Id, levels: PatternLevel[], more: Partial<RouteSpec> = {}): void =>
    router.add(id, { kind: 'route', space: 1, pattern: { levels }, target: { log: id }, ...more })
  for (let i = 1; i <= 100_000; i++) add(i, ['devices', String(i), i % 2 === 0 ? one : rest])
  for (let i = 100_001; i <= 100_010; i++) add(i, [one, one, 'temperature'])
  const publication = {
    publisher: 0,
    atMostOnce: false,
    count: 1,
    foreign: true,
    table: () => assert.fail('not needed'),
  }
  const addresses = Array.from({ length: 1000 }, (_, i) => [
    { space: 1, levels: ['devices', String(i + 1), 'temperature'] },
  ])
  let found = 0
  await measure('route: 100,010 filters, 11 match, known address', 1_000_000, () => {
    for (let i = 0; i < 1_000_000; i++) found += router.match(addresses[i % 1000]!, publication).targets.length
  })
  await measure('route: the same, table changed before each', 100_000, () => {
    for (let i = 0; i < 100_000; i++) {
      router.changed()
      found += router.match(addresses[i % 1000]!, publication).targets.length
    }
  })
  assert.ok(wanted !== '' || found > 0)
}

class Client implements Receiver {
  session = 0
  epoch = 0
  got: (deliveries: readonly Delivery[]) => void = () => undefined
  deliver(deliveries: readonly Delivery[]): void {
    this.got(deliveries)
  }
  notice(): void {}
}

const builder = new BatchBuilder()
function batchOf(count: number, bytes: number): Buffer {
  const value = Buffer.alloc(bytes, 1)
  for (let i = 0; i < count; i++) builder.add(1000, null, value)
  return builder.finish()
}

async function connect(broker: Broker): Promise<Client> {
  const client = new Client()
  const namespace = broker.findNamespace('default')!.id
  const opened = await broker.open({ namespace, user: 'bench' }, client)
  assert.ok('ok' in opened)
  client.session = opened.ok.session
  client.epoch = opened.ok.epoch
  return client
}

async function define(broker: Broker, specs: readonly Spec[]): Promise<Id[]> {
  return (await broker.define(specs, 'ensure')).map((outcome) => {
    assert.ok('ok' in outcome)
    return outcome.ok.id
  })
}

const rangeOf = ({ batch, first, count, attempt }: Delivery): OffsetRange & { attempt: number } => ({
  partition: batch.partition,
  first: batch.baseOffset + first,
  last: batch.baseOffset + first + count - 1,
  attempt,
})

/** Commits `ops` again and again, `depth` commits on the way, until `total` were answered. */
async function pipeline(
  broker: Broker,
  { session, epoch }: Client,
  total: number,
  depth: number,
  ops: readonly Op[],
): Promise<void> {
  for (let sent = 0; sent < total; sent += depth) {
    const answers = Array.from({ length: depth }, () => broker.commit(ops, { session, epoch }))
    await Promise.all(answers)
  }
}

/** Consumes `total` records of a queue with settling, and resolves when the last one was settled. */
async function consume(broker: Broker, client: Client, subscription: Id, total: number): Promise<void> {
  const attached = await broker.attach({ session: client.session, subscription, leaseMs: 60_000, settle: 'byConsumer' })
  assert.ok('ok' in attached)
  const { consumer } = attached.ok
  let left = total
  await new Promise<void>((resolve) => {
    client.got = (deliveries) => {
      let records = 0
      for (const { count } of deliveries) records += count
      const ranges = deliveries.map(rangeOf)
      void broker.commit([{ op: 'settle', subscription, ranges, as: { do: 'done' } }], {
        session: client.session,
        epoch: client.epoch,
        soft: true,
      })
      broker.credit([{ consumer, messages: records }])
      left -= records
      if (left <= 0) resolve()
    }
    broker.credit([{ consumer, messages: 1000, bytes: Infinity }])
  })
  await broker.detach(consumer, 'release')
}

async function broker(): Promise<void> {
  const broker = await openBroker({ ...world, openStore: (machine) => openStore({ world, memory: true, machine }) })
  const namespace = broker.findNamespace('default')!.id
  const space = broker.findSpace(namespace, '')!.id
  const [producer, consumer] = [await connect(broker), await connect(broker)]
  const log = (name: string): Spec => ({
    kind: 'log',
    namespace,
    name: [name],
    partitions: 1,
    keep: { consumed: true },
  })
  const queue = (name: string): Spec => ({
    kind: 'subscription',
    log: { namespace, name: [name] },
    name: '',
    mode: 'leased',
  })
  const topic: Spec = { kind: 'log', namespace, name: ['topic'], partitions: 1, bound: ['topic'], keep: { bytes: 1e7 } }
  const [topicId, queueLog, , queueId] = await define(broker, [topic, log('queue'), log('many'), queue('queue')])
  const one: Op = { op: 'append', log: topicId!, batch: batchOf(1, 100), foreign: true }
  const many: Op = { op: 'append', log: topicId!, batch: batchOf(1000, 100), foreign: true }
  await measure('core: append 1 record, 100 on the way', 100_000, () => pipeline(broker, producer, 100_000, 100, [one]))
  await measure('core: append a batch of 1000, 4 on the way; per record', 2_000_000, () =>
    pipeline(broker, producer, 2000, 4, [many]),
  )
  const toQueue: Op = { ...one, log: queueLog! }
  await measure('core: append 1, lease, deliver, settle; 100 on the way', 50_000, async () => {
    const consumed = consume(broker, consumer, queueId!, 50_000)
    await pipeline(broker, producer, 50_000, 100, [toQueue])
    await consumed
  })
  await measure('core: 50,000 records, 1 in a batch, as a backlog; then drained', 50_000, async () => {
    await pipeline(broker, producer, 50_000, 100, [toQueue])
    await consume(broker, consumer, queueId!, 50_000)
  })
  const batchToQueue: Op = { ...many, log: queueLog! }
  await measure('core: batch of 1000 to a queue, lease, settle; per record', 1_000_000, async () => {
    const consumed = consume(broker, consumer, queueId!, 1_000_000)
    await pipeline(broker, producer, 1000, 4, [batchToQueue])
    await consumed
  })
  await fanOut(broker, producer, space, namespace)
  await broker.shutdown()
}

async function fanOut(broker: Broker, producer: Client, space: Id, namespace: Id): Promise<void> {
  const sinks = await Promise.all(Array.from({ length: 100 }, () => connect(broker)))
  await define(
    broker,
    sinks.map(({ session }): Spec => ({
      kind: 'route',
      space,
      pattern: { levels: ['live', rest] },
      target: { session },
      owner: session,
    })),
  )
  const logs = await define(
    broker,
    Array.from({ length: 100 }, (_, i): Spec => ({
      kind: 'log',
      namespace,
      name: ['fan', String(i)],
      partitions: 1,
      keep: { bytes: 100_000 },
    })),
  )
  await define(
    broker,
    logs.map((target): Spec => ({
      kind: 'route',
      space,
      pattern: { levels: ['stored', rest] },
      target: { log: target },
    })),
  )
  const publish = (first: string): Op => ({
    op: 'publish',
    to: [{ space, levels: [first, 'a'] }],
    batch: batchOf(1, 100),
    foreign: true,
  })
  await measure('core: publish to 100 live sessions; per copy', 1_000_000, () =>
    pipeline(broker, producer, 10_000, 100, [publish('live')]),
  )
  await measure('core: publish to 100 logs; per copy', 500_000, () =>
    pipeline(broker, producer, 5000, 100, [publish('stored')]),
  )
}

if (!wanted.startsWith('core')) {
  await queues()
  await routes()
}
if (!/^(queue|route)/.test(wanted)) await broker()
