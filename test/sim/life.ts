import assert from 'node:assert/strict'
import { failed } from '../../src/base/index.ts'
import type { Broker, Delivery, Id, Op, OpResult, Receiver } from '../../src/core/index.ts'
import { BatchBuilder } from '../../src/log/index.ts'
import type { SimRandom } from '../../src/world/sim/random.ts'
import type { SimTime } from '../../src/world/sim/time.ts'
import type { Auditor } from './auditor.ts'

/** What an idempotent producer must remember over a crash: who it is, and what it has not heard of yet. */
export interface ProducerMemory {
  id: Id
  epoch: number
  next: number
  pending: { sequence: number; ids: string[] } | null
}

export interface Memory {
  lastId: number
  producer: ProducerMemory | null
  position: number
}

const partitions = 2
const noReceiver: Receiver = { deliver: () => undefined, notice: () => undefined }

/**
 * One life of the broker, from start to crash: clients that publish, consume and commit at random through the facade.
 * `topic` is bound at orders.eu and captured by the queue `captured`, `work` is a queue of its own.
 */
export class Life {
  dead = false
  private readonly broker: Broker
  private readonly time: SimTime
  private readonly random: SimRandom
  private readonly auditor: Auditor
  private readonly memory: Memory
  private ids = {
    topic: 0,
    work: 0,
    captured: 0,
    workQueue: 0,
    capturedQueue: 0,
    session: 0,
    epoch: 0,
    shared: 0,
    namespace: 0,
  }

  constructor(broker: Broker, time: SimTime, random: SimRandom, auditor: Auditor, memory: Memory) {
    this.broker = broker
    this.time = time
    this.random = random
    this.auditor = auditor
    this.memory = memory
  }

  isOver(): boolean {
    return this.dead
  }

  async prepare(): Promise<void> {
    const { broker } = this
    const namespace = broker.findNamespace('default')!.id
    const shared = broker.findSpace(namespace, '')!.id
    const opened = await this.time.until(broker.open({ namespace, user: 'sim' }, noReceiver))
    assert.ok(!failed(opened))
    const queue = (name: string) => [
      { kind: 'log', namespace, name: [name], partitions: 1, keep: { consumed: true } } as const,
      { kind: 'subscription', log: { namespace, name: [name] }, name: '', mode: 'leased', start: 'first' } as const,
    ]
    const outcomes = await this.time.until(
      broker.define(
        [
          { kind: 'log', namespace, name: ['topic'], partitions, bound: ['orders', 'eu'] },
          ...queue('work'),
          ...queue('captured'),
        ],
        'ensure',
      ),
    )
    const [topic, work, workQueue, captured, capturedQueue] = outcomes.map((outcome) => {
      assert.ok(!failed(outcome), JSON.stringify(outcome))
      return outcome.ok.id
    }) as [Id, Id, Id, Id, Id]
    await this.time.until(
      broker.define(
        [{ kind: 'route', space: shared, pattern: { levels: ['orders', { any: 'rest' }] }, target: { log: captured } }],
        'ensure',
      ),
    )
    this.ids = { topic, work, captured, workQueue, capturedQueue, shared, namespace, ...opened.ok }
  }

  /** Reads everything there is, as a client that starts from the beginning, and audits it. */
  async audit(): Promise<void> {
    for (const [name, log] of [
      ['topic', this.ids.topic],
      ['work', this.ids.work],
      ['captured', this.ids.captured],
    ] as const) {
      for (const { partition, start, end } of this.broker.bounds(log)) {
        const ids = await this.readAll(name, log, partition, start, end)
        this.auditor.complete(name, partition, start, end, ids)
      }
    }
    const [position] = this.broker.positions(this.ids.topic, 'group')
    if (position !== undefined) this.auditor.position('group', position.offset)
    else assert.ok(this.memory.position <= 0, 'an acknowledged position is lost')
  }

  private async readAll(name: string, log: Id, partition: number, start: number, end: number): Promise<string[]> {
    const ids: string[] = []
    let offset = start
    while (offset < end) {
      const [part] = await this.time.until(
        this.broker.read([{ log, partition, offset, bytesMax: 5000 }], {
          session: this.ids.session,
          bytesMin: 1,
          bytesMax: 5000,
          waitMs: 0,
        }),
      )
      assert.ok(part !== undefined && !failed(part), JSON.stringify(part))
      assert.ok(part.ok.batches.length > 0, `${name}/${partition}: nothing at ${offset}, the end is ${end}`)
      for (const batch of part.ok.batches) {
        for (let i = 0; i < batch.table.count; i++) {
          const at = batch.baseOffset + batch.table.offsetDelta(i)
          if (at < offset) continue
          const id = batch.table.value(i)!.toString()
          this.auditor.reads(name, partition, at, id)
          ids.push(id)
        }
        offset = Math.max(offset, batch.baseOffset + batch.count)
      }
    }
    return ids
  }

  start(): void {
    this.actor(15, () => this.appendToTopic())
    this.actor(15, () => this.publish())
    this.actor(10, () => this.appendToQueue())
    this.actor(20, () => this.appendIdempotently())
    this.actor(60, () => this.advance())
    void this.consume('work', this.ids.workQueue)
    void this.consume('captured', this.ids.capturedQueue)
  }

  /** Acts again and again, about every `everyMs`. */
  private actor(everyMs: number, act: () => void): void {
    const again = (): void => {
      if (this.dead) return
      act()
      this.time.after(this.random.below(everyMs * 2), again)
    }
    this.time.after(this.random.below(everyMs), again)
  }

  private batch(): { batch: Buffer; ids: string[] } {
    const builder = new BatchBuilder()
    const ids = Array.from({ length: 1 + this.random.below(4) }, () => `m${this.memory.lastId++}`)
    for (const id of ids) builder.add(this.time.now(), Buffer.from(`k${this.random.below(5)}`), Buffer.from(id))
    return { batch: builder.finish(), ids }
  }

  /** Does `op`, and passes its result on unless the crash comes first. */
  private commit(op: Op, then: (result: OpResult) => void): void {
    const { session, epoch } = this.ids
    void this.broker.commit([op], { session, epoch }).then(([result]) => {
      if (!this.dead) then(result!)
    })
  }

  private appendToTopic(): void {
    const { batch, ids } = this.batch()
    this.auditor.sends(ids)
    const partition = this.random.below(partitions)
    this.commit({ op: 'append', log: this.ids.topic, partition, batch, foreign: true }, (result) => {
      if (failed(result) || result.ok.op !== 'append') return
      this.auditor.appended('topic', partition, result.ok.baseOffset, ids)
    })
  }

  private publish(): void {
    const { batch, ids } = this.batch()
    this.auditor.sends(ids)
    const to = [{ space: this.ids.shared, levels: ['orders', this.random.once(2) ? 'eu' : 'us'] }]
    this.commit({ op: 'publish', to, batch, foreign: true }, () => undefined)
  }

  private appendToQueue(): void {
    const { batch, ids } = this.batch()
    this.auditor.sends(ids)
    this.commit({ op: 'append', log: this.ids.work, batch, foreign: true }, (result) => {
      if (!failed(result) && result.ok.op === 'append') this.auditor.appended('work', 0, result.ok.baseOffset, ids)
    })
  }

  /** One batch at a time, again with the same number until it is acknowledged, over crashes too. */
  private appendIdempotently(): void {
    const producer = this.memory.producer
    if (producer === null) {
      this.memory.producer = { id: this.ids.session, epoch: this.ids.epoch, next: 0, pending: null }
      return
    }
    if (producer.pending === null) {
      const { ids } = this.batch()
      producer.pending = { sequence: producer.next, ids }
      this.auditor.sends(ids)
    }
    const { sequence, ids } = producer.pending
    const builder = new BatchBuilder()
    for (const id of ids) builder.add(this.time.now(), null, Buffer.from(id))
    const who = { id: producer.id, epoch: producer.epoch, sequence }
    const op: Op = {
      op: 'append',
      log: this.ids.topic,
      partition: 0,
      batch: builder.finish(who),
      foreign: true,
      producer: who,
    }
    this.commit(op, (result) => {
      if (producer.pending?.sequence !== sequence) return
      assert.ok(!failed(result) || result.error === 'unavailable' || result.error === 'full', JSON.stringify(result))
      if (failed(result) || result.ok.op !== 'append') return
      this.auditor.appended('topic', 0, result.ok.baseOffset, ids)
      producer.next += ids.length
      producer.pending = null
    })
  }

  private advance(): void {
    const [bounds] = this.broker.bounds(this.ids.topic)
    const offset = Math.max(this.memory.position, Math.min(bounds!.end, this.memory.position + this.random.below(20)))
    this.memory.position = Math.max(this.memory.position, offset)
    this.auditor.triesToAdvance('group', offset)
    this.commit(
      { op: 'advance', log: this.ids.topic, subscription: 'group', positions: [{ partition: 0, offset }] },
      (result) => {
        if (!failed(result)) this.auditor.advanced('group', offset)
      },
    )
  }

  /** A consumer that settles most, releases some, and forgets a few until their lease ends. */
  private async consume(name: string, subscription: Id): Promise<void> {
    const { broker } = this
    let consumer = 0
    const session = { id: 0, epoch: 0 }
    const settle = (delivery: Delivery, i: number): void => {
      const { partition, baseOffset, table } = delivery.batch
      const offset = baseOffset + table.offsetDelta(i)
      const range = { partition, first: offset, last: offset, attempt: delivery.attempt }
      const done = !this.random.once(5)
      if (done) this.auditor.triesToSettle(name, partition, offset)
      const as = done ? ({ do: 'done' } as const) : ({ do: 'release', delayMs: this.random.below(100) } as const)
      void broker
        .commit([{ op: 'settle', subscription, ranges: [range], as }], { session: session.id, epoch: session.epoch })
        .then(([result]) => {
          if (this.dead || failed(result!)) return
          if (done && result!.ok.op === 'settle' && result!.ok.done === 1) this.auditor.settled(name, partition, offset)
        })
    }
    const receiver: Receiver = {
      notice: () => undefined,
      deliver: (deliveries) => {
        if (this.dead) return
        for (const delivery of deliveries) {
          for (let i = delivery.first; i < delivery.first + delivery.count; i++) {
            const { partition, baseOffset, table } = delivery.batch
            this.auditor.delivers(
              name,
              partition,
              baseOffset + table.offsetDelta(i),
              delivery.attempt,
              table.value(i)!.toString(),
            )
            if (!this.random.once(20)) this.time.after(this.random.below(200), () => this.dead || settle(delivery, i))
            this.time.after(this.random.below(50), () => this.dead || broker.credit([{ consumer, messages: 1 }]))
          }
        }
      },
    }
    const opened = await broker.open({ namespace: this.ids.namespace, user: 'sim' }, receiver)
    if (this.dead) return
    assert.ok(!failed(opened))
    session.id = opened.ok.session
    session.epoch = opened.ok.epoch
    const attached = await broker.attach({ session: session.id, subscription, leaseMs: 500, settle: 'byConsumer' })
    if (this.isOver()) return
    assert.ok(!failed(attached))
    consumer = attached.ok.consumer
    broker.credit([{ consumer, messages: 10 }])
  }

  /** Takes everything that is left, settling nothing, and audits that what was promised is among it. */
  async drain(): Promise<void> {
    for (const [name, subscription] of [
      ['work', this.ids.workQueue],
      ['captured', this.ids.capturedQueue],
    ] as const) {
      const delivered = new Set<number>()
      for (;;) {
        const taken = await this.time.until(
          this.broker.take({
            session: this.ids.session,
            subscription,
            messages: 100,
            leaseMs: Infinity,
            settle: 'byConsumer',
          }),
        )
        assert.ok(!failed(taken))
        if (taken.ok.length === 0) break
        let last = -1
        for (const { batch, first, count, attempt } of taken.ok) {
          for (let i = first; i < first + count; i++) {
            const offset = batch.baseOffset + batch.table.offsetDelta(i)
            this.auditor.delivers(name, batch.partition, offset, attempt, batch.table.value(i)!.toString())
            assert.ok(offset > last, `${name}: ${offset} was taken after ${last}`)
            last = offset
            delivered.add(offset)
          }
        }
      }
      this.auditor.drained(name, 0, delivered)
    }
  }
}
