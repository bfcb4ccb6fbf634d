import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed } from '../base/index.ts'
import type { Id, Op, Spec } from './facade/index.ts'
import { Crashing } from './testing/crashing.ts'
import { Client, records } from './testing/stage.ts'

const seeds = Number(process.env['DRAGOMAN_SEEDS'] ?? 10)

/** What has been acknowledged of one log. */
interface Known {
  id: Id
  revision: number
  queue: Id
  route: Id
  /** By priority: how many records. */
  ends: number[]
  position: number
}

/** Defines, uses and drops logs one step after the other; so at a crash one step at most is undecided. */
class Definer {
  readonly known = new Map<string, Known>()
  /** The log that the step under way is about. */
  undecided = ''
  private readonly stand: Crashing
  private client = new Client()

  constructor(stand: Crashing) {
    this.stand = stand
  }

  /** Runs until the broker is killed under it. */
  async run(): Promise<void> {
    this.client = await this.stand.client()
    for (;;) {
      const name = `l${this.stand.random.below(5)}`
      this.undecided = name
      const known = this.known.get(name)
      if (known === undefined) await this.create(name)
      else await this.use(name, known)
      this.undecided = ''
    }
  }

  private async define(specs: Spec[], mode: 'create' | 'replace'): Promise<{ id: Id; revision: number }[]> {
    return (await this.stand.broker.define(specs, mode)).map((one) => {
      if (failed(one)) throw new Error(one.error)
      return one.ok
    })
  }

  private spec(name: string, attributes: number): Spec {
    return { kind: 'log', namespace: this.stand.namespace, name: [name], partitions: 1, lanes: 3, attributes }
  }

  private async create(name: string): Promise<void> {
    const { namespace } = this.stand
    const specs: Spec[] = [
      this.spec(name, 1),
      { kind: 'subscription', log: { namespace, name: [name] }, name: '', mode: 'leased' },
    ]
    const [log, queue] = await this.define(specs, 'create')
    const known: Known = { id: log!.id, revision: 1, queue: queue!.id, route: 0, ends: [0], position: -1 }
    this.known.set(name, known)
    const pattern = { levels: [name, { any: 'rest' as const }] }
    const [route] = await this.define(
      [{ kind: 'route', space: this.stand.shared, pattern, target: { log: log!.id } }],
      'create',
    )
    known.route = route!.id
  }

  private async use(name: string, known: Known): Promise<void> {
    const { random, broker } = this.stand
    switch (random.below(8)) {
      case 0: {
        const [dropped] = await broker.drop([{ id: known.id }])
        if (dropped === undefined || failed(dropped)) throw new Error('refused')
        this.known.delete(name)
        break
      }
      case 1: {
        const [log] = await this.define([this.spec(name, known.revision + 1)], 'replace')
        known.revision = log!.revision
        break
      }
      case 2:
        await this.commit({
          op: 'advance',
          log: known.id,
          subscription: 'g',
          positions: [{ partition: 0, offset: known.position + 1 }],
        })
        known.position++
        break
      default: {
        const priority = random.below(4)
        await this.commit({ op: 'append', log: known.id, ...records('x'), priority })
        known.ends[priority] = (known.ends[priority] ?? 0) + 1
      }
    }
  }

  private async commit(op: Op): Promise<void> {
    const [result] = await this.stand.broker.commit([op], this.client)
    if (result === undefined || failed(result)) throw new Error('refused')
  }

  audit(): void {
    const { broker, namespace } = this.stand
    for (let n = 0; n < 5; n++) {
      const name = `l${n}`
      if (name === this.undecided) continue
      const known = this.known.get(name)
      const log = broker.findLog(namespace, [name])
      assert.equal(log?.id, known?.id, name)
      if (known === undefined) continue
      assert.equal(log!.revision, known.revision)
      assert.equal(log!.spec.attributes, known.revision)
      assert.equal(broker.findSubscription(known.id, '', 'leased')?.id, known.queue)
      assert.deepEqual(
        broker.routes(known.id).map((one) => one.id),
        [known.route],
      )
      for (const { partition, end } of broker.bounds(known.id)) assert.equal(end, known.ends[partition] ?? 0)
      const stored = known.ends.reduce((sum, count) => sum + count, 0)
      assert.equal(broker.stats(known.queue).ready, stored)
      assert.equal(broker.positions(known.id, 'g')[0]?.offset ?? -1, known.position)
    }
  }

  /** Takes what is there for what it knows: the step that was under way has happened, or not. */
  async settle(): Promise<void> {
    const { stand } = this
    const { broker, namespace } = stand
    if (this.undecided === '') return
    const log = broker.findLog(namespace, [this.undecided])
    this.known.delete(this.undecided)
    if (log !== undefined) await stand.wait(broker.drop([{ id: log.id }]))
    this.undecided = ''
  }
}

test(`definitions, lanes and positions are as acknowledged after any crash: ${seeds} seeds`, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const stand = new Crashing(seed)
    try {
      await stand.start()
      const definer = new Definer(stand)
      for (let lives = 4; lives > 0; lives--) {
        const running = definer.run().catch(() => undefined)
        await stand.time.advance(100 + stand.random.below(600))
        await stand.crash()
        await running
        definer.audit()
        await definer.settle()
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
