import { failed } from '../../../src/base/index.ts'
import type { Broker, Id, Op, OpResult } from '../../../src/core/index.ts'
import { BatchBuilder } from '../../../src/log/index.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { payloadOf, Violation } from '../audit/index.ts'
import type { Subscriber } from './mqtt-subscriber.ts'
import { placesOf, topicPartitions, type Scene } from './scene.ts'
import { noReceiver, type Topology } from './topology.ts'

/** Refused before anything happened; other failures leave open what became of it. */
const refusals = new Set(['full', 'tooLarge', 'invalid', 'notFound'])

/** What insiders remember over the lives of the broker. */
export interface Memory {
  number: number
  position: number
}

/** Who publishes, appends and commits positions through the core's facade, in the broker's own process: dies with it. */
export class Insiders {
  dead = false
  private readonly scene: Scene
  private readonly topology: Topology
  private readonly random: SimRandom
  private readonly memory: Memory
  private readonly subscriber: Subscriber
  private readonly broker: Broker
  private session = 0
  private epoch = 0

  constructor(scene: Scene, topology: Topology, random: SimRandom, memory: Memory, subscriber: Subscriber) {
    this.scene = scene
    this.topology = topology
    this.random = random
    this.memory = memory
    this.subscriber = subscriber
    this.broker = scene.machine.broker
  }

  async start(): Promise<void> {
    await this.open()
    this.again(40, () => this.append())
    this.again(40, () => this.publish())
    this.again(30, () => this.enqueue())
    this.again(100, () => this.advance())
  }

  /** A session ends with the storage that failed, and another one is opened when it is back. */
  private async open(): Promise<void> {
    while (!this.dead) {
      const opened = await this.broker.open(
        { namespace: this.topology.namespace, user: 'sim' },
        { ...noReceiver, notice: ({ notice }) => notice === 'unavailable' && void this.open() },
      )
      if (this.isDead()) return
      if (failed(opened)) {
        await this.scene.sleep(100)
        continue
      }
      this.session = opened.ok.session
      this.epoch = opened.ok.epoch
      return
    }
  }

  private isDead(): boolean {
    return this.dead
  }

  private again(everyMs: number, act: () => void): void {
    const next = (): void => {
      if (this.dead) return
      try {
        if (!this.scene.quiet) act()
      } catch (error) {
        this.scene.fail(error)
      }
      this.scene.machine.time.after(this.random.below(everyMs * 2), next)
    }
    next()
  }

  private batch(places: [must: string[], may?: string[]]): { batch: Buffer; ids: string[] } {
    const builder = new BatchBuilder()
    const ids = Array.from({ length: 1 + this.random.below(4) }, () => `inside:${this.memory.number++}`)
    for (const id of ids) {
      this.scene.auditor.sends(id, ...places)
      builder.add(this.scene.machine.time.now(), Buffer.from(`k${this.random.below(5)}`), payloadOf(id))
    }
    return { batch: builder.finish(), ids }
  }

  /** Does `op`; its result counts unless the crash comes first. */
  private commit(op: Op, ids: readonly string[], then: (result: OpResult) => void): void {
    const { auditor, trace } = this.scene
    this.broker.commit([op], { session: this.session, epoch: this.epoch }).then(
      ([result]) => {
        if (this.dead) return
        const failure = failed(result!) ? result.error : null
        trace.note('inside', `${op.op} ${ids.join(' ')}: ${failure ?? 'ok'}`)
        if (failure === null) then(result!)
        else if (refusals.has(failure)) for (const id of ids) auditor.refused(id)
      },
      (error: unknown) => this.scene.fail(error),
    )
  }

  private append(): void {
    const partition = this.random.below(topicPartitions)
    const { batch, ids } = this.batch(placesOf('eu', this.subscriber))
    this.commit({ op: 'append', log: this.topology.logs.topic, partition, batch, foreign: true }, ids, (result) =>
      this.stands('topic', ids, result),
    )
  }

  private enqueue(): void {
    const { batch, ids } = this.batch([['work']])
    this.commit({ op: 'append', log: this.topology.logs.work, batch, foreign: true }, ids, (result) =>
      this.stands('work', ids, result),
    )
  }

  private stands(place: string, ids: readonly string[], result: OpResult): void {
    if (failed(result) || result.ok.op !== 'append') return
    const { partition, baseOffset } = result.ok
    ids.forEach((id, i) => this.scene.auditor.acked(id, { place, partition, offset: baseOffset + i }))
  }

  private publish(): void {
    const region = this.random.once(2) ? 'eu' : 'us'
    const { batch, ids } = this.batch(placesOf(region, this.subscriber))
    const to = [{ space: this.topology.shared, levels: ['orders', region] }]
    this.commit({ op: 'publish', to, batch, foreign: true }, ids, (result) => {
      if (failed(result) || result.ok.op !== 'publish') return
      // A log that is full refuses the rest of a batch: then nothing can be said of the single record.
      if (result.ok.unrouted !== undefined) throw new Violation(`nothing is routed at orders.${region}`)
      if (result.ok.refused === undefined) for (const id of ids) this.scene.auditor.acked(id)
    })
  }

  private advance(): void {
    const log: Id = this.topology.logs.topic
    const [bounds] = this.broker.bounds(log)
    if (bounds === undefined) return
    const { memory } = this
    const offset = Math.max(memory.position, Math.min(bounds.end, memory.position + this.random.below(20)))
    memory.position = offset
    this.scene.auditor.advances('group', offset)
    const positions = [{ partition: 0, offset }]
    this.commit({ op: 'advance', log, subscription: 'group', positions }, [], () =>
      this.scene.auditor.advanced('group', offset),
    )
  }
}
