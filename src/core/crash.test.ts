import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed } from '../base/index.ts'
import type { Op, OpResult, SettleOp, Verdict } from './facade/index.ts'
import { Crashing } from './testing/crashing.ts'
import { Client, records, valuesOf } from './testing/stage.ts'

const seeds = Number(process.env['DRAGOMAN_SEEDS'] ?? 15)

/** What the test knows of each message: was it acknowledged, and may it be gone? */
interface Known {
  acked: boolean
  mayBeDone: boolean
}

class Life {
  readonly known = new Map<string, Known>()
  readonly stand: Crashing
  private next = 0
  private ids = { q: 0, queue: 0, dead: 0, deadQueue: 0 }
  client = new Client()

  constructor(stand: Crashing) {
    this.stand = stand
  }

  async prepare(): Promise<void> {
    const { stand } = this
    const [dead, deadQueue] = await stand.queue('dead')
    const [q, queue] = await stand.queue('q', { deadLetter: { to: 'log', name: ['dead'] }, attemptsMax: 4 })
    this.ids = { q, queue, dead, deadQueue }
  }

  /** Publishes and settles at random, until the crash. */
  async run(): Promise<void> {
    const { stand } = this
    this.client = await stand.client()
    const options = {
      session: this.client.session,
      subscription: this.ids.queue,
      leaseMs: 50,
      settle: 'byConsumer',
    } as const
    const attached = await stand.wait(stand.broker.attach(options))
    assert.ok(!failed(attached))
    for (let steps = 5 + stand.random.below(40); steps > 0; steps--) {
      if (stand.random.once(2)) this.publish()
      stand.broker.credit([{ consumer: attached.ok.consumer, messages: stand.random.below(4) }])
      await stand.time.advance(stand.random.below(12))
      this.settle()
    }
    await stand.crash()
  }

  private commit(ops: Op[], then: (results: OpResult[]) => void): void {
    void this.stand.broker.commit(ops, this.client).then(then)
  }

  private publish(): void {
    const values = Array.from({ length: 1 + this.stand.random.below(3) }, () => `m${this.next++}`)
    for (const value of values) this.known.set(value, { acked: false, mayBeDone: false })
    this.commit([{ op: 'append', log: this.ids.q, ...records(...values) }], ([result]) => {
      if (result !== undefined && !failed(result)) for (const value of values) this.known.get(value)!.acked = true
    })
  }

  private settle(): void {
    const verdicts: Verdict[] = [
      { do: 'done' },
      { do: 'release' },
      { do: 'reject', reason: 'rejected' },
      { do: 'release', place: 'tail' },
    ]
    for (const delivery of this.client.deliveries.splice(0)) {
      const as = verdicts[this.stand.random.below(6)]
      if (as === undefined) continue
      if (as.do === 'done') for (const value of valuesOf(delivery)) this.known.get(value)!.mayBeDone = true
      const { batch, first, count, attempt } = delivery
      const from = batch.baseOffset + first
      const ranges: SettleOp['ranges'] = [{ partition: batch.partition, first: from, last: from + count - 1, attempt }]
      this.commit([{ op: 'settle', subscription: this.ids.queue, ranges, as }], () => undefined)
    }
  }

  /** Every message is in one place, and what was acknowledged is not lost. */
  async audit(): Promise<void> {
    const found = new Map<string, number>()
    // What has had its attempts is moved when the broker is back: look when that is over.
    await this.stand.settle(200)
    const { broker } = this.stand
    const both = [this.ids.queue, this.ids.deadQueue].map((subscription) => broker.peek(subscription, 10_000))
    for (const delivery of (await this.stand.wait(Promise.all(both))).flat()) {
      for (const value of valuesOf(delivery)) found.set(value, (found.get(value) ?? 0) + 1)
    }
    for (const [value, { acked, mayBeDone }] of this.known) {
      const copies = found.get(value) ?? 0
      assert.ok(copies <= 1, `${value} is in ${copies} places`)
      if (acked && !mayBeDone) assert.equal(copies, 1, `${value} was acknowledged, and is lost`)
    }
    for (const value of found.keys()) assert.ok(this.known.has(value), `${value} was never published`)
  }
}

test(`a message is in one place, whatever moves it and whenever the power goes: ${seeds} seeds`, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const stand = new Crashing(seed)
    try {
      await stand.start()
      const life = new Life(stand)
      await life.prepare()
      for (let lives = 3; lives > 0; lives--) {
        await life.run()
        await life.audit()
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test(`last values and kept sessions are as acknowledged, or newer: ${seeds} seeds`, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const stand = new Crashing(seed)
    await stand.start()
    const acked = new Map<string, number>()
    let newest = 0
    for (let lives = 4; lives > 0; lives--) {
      const client = await stand.client({ name: 'kept', keepMs: Infinity })
      const saved = await stand.wait(
        stand.broker.open({ namespace: stand.namespace, user: 'me', name: 'kept', keepMs: Infinity }, client),
      )
      assert.ok(!failed(saved))
      if (acked.size > 0) assert.ok(saved.ok.resumed, `seed ${seed}: the session is lost`)
      const kept = { session: saved.ok.session, epoch: saved.ok.epoch }
      const found = new Map(saved.ok.saved.map(({ key, value }) => [key, Number(String(value))]))
      for (const batch of await stand.retained([{ any: 'rest' }])) {
        const key = batch.address!.levels.join('.')
        const value = Number(String(batch.table.value(0)))
        assert.ok(
          value >= (acked.get(key) ?? 0),
          `seed ${seed}: ${key} is ${value}, acknowledged was ${acked.get(key)}`,
        )
        assert.equal(found.get(key), value, `seed ${seed}: one commit, both or none`)
        found.delete(key)
      }
      assert.equal(found.size, 0)
      for (let steps = stand.random.below(30); steps > 0; steps--) {
        const key = `k${stand.random.below(4)}`
        const value = ++newest
        const ops: Op[] = [
          { op: 'publish', to: [{ space: stand.shared, levels: [key] }], ...records(String(value)), retain: true },
          { op: 'save', key, value: Buffer.from(String(value)) },
        ]
        void stand.broker.commit(ops, kept).then((results) => {
          if (results.every((one) => !failed(one))) acked.set(key, value)
        })
        await stand.time.advance(stand.random.below(8))
      }
      await stand.crash()
    }
  }
})
