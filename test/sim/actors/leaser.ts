import { failed } from '../../../src/base/index.ts'
import type { Broker, Delivery, Notice, Verdict } from '../../../src/core/index.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { Violation } from '../audit/index.ts'
import type { Scene } from './scene.ts'
import type { Topology } from './topology.ts'

const place = 'work'
const leaseMs = 60

interface Held {
  partition: number
  offset: number
  attempt: number
  id: string
}

/** A consumer of the queue `work` through the facade: it settles, releases, rejects, comes too late, and goes away. */
export class Leaser {
  dead = false
  private readonly scene: Scene
  private readonly topology: Topology
  private readonly random: SimRandom
  private readonly broker: Broker
  private session = 0
  private epoch = 0
  private consumer = 0
  private held: Held[] = []
  /** What this session was given, and does not know to be recorded. */
  private given: Held[] = []

  constructor(scene: Scene, topology: Topology, random: SimRandom) {
    this.scene = scene
    this.topology = topology
    this.random = random
    this.broker = scene.machine.broker
  }

  start(): void {
    this.live().catch((error: unknown) => this.scene.fail(error))
  }

  private isDead(): boolean {
    return this.dead || this.scene.over
  }

  private async live(): Promise<void> {
    while (!this.isDead()) {
      if (await this.attach()) await this.serve()
      if (this.isDead()) return
      await this.scene.sleep(50 + this.random.below(200))
    }
  }

  private async attach(): Promise<boolean> {
    const receiver = {
      deliver: (deliveries: readonly Delivery[]) => this.deliver(deliveries),
      notice: (notice: Notice) => this.notice(notice),
    }
    const opened = await this.broker.open({ namespace: this.topology.namespace, user: 'sim' }, receiver)
    if (this.isDead() || failed(opened)) return false
    this.session = opened.ok.session
    this.epoch = opened.ok.epoch
    this.given = []
    const subscription = this.topology.queues.work
    const { session } = this
    const attached = await this.broker.attach({ session, subscription, leaseMs, settle: 'byConsumer' })
    if (this.isDead() || failed(attached)) return false
    this.consumer = attached.ok.consumer
    this.broker.credit([{ consumer: this.consumer, messages: 8 }])
    return true
  }

  private async serve(): Promise<void> {
    const { session } = this
    while (!this.isDead() && this.session === session) {
      await this.scene.sleep(this.random.below(60))
      if (this.isDead() || this.session !== session) return
      if (this.scene.quiet || this.random.once(60)) return this.leave()
      for (const held of this.held.splice(0, 1 + this.random.below(4))) this.settle(held)
    }
  }

  private leave(): void {
    this.held = []
    this.scene.auditor.goes(place, this.consumer)
    void this.broker.close(this.session, this.epoch, { wills: 'drop' })
    this.session = 0
    this.scene.trace.note('leaser', 'left')
    if (this.scene.quiet) this.dead = true
  }

  /** The storage has failed: with the session all leases are over. */
  private notice({ notice }: Notice): void {
    if (notice !== 'unavailable' || this.dead) return
    this.held = []
    this.session = 0
    this.scene.auditor.newLife()
  }

  private deliver(deliveries: readonly Delivery[]): void {
    for (const { batch, first, count, attempt } of deliveries) {
      for (let i = first; i < first + count; i++) {
        if (this.isDead()) {
          // The broker stops in order, and takes its time: this counts as an attempt all the same.
          this.scene.auditor.delivers(place, batch.table.value(i)!)
          continue
        }
        const offset = batch.baseOffset + batch.table.offsetDelta(i)
        const { partition } = batch
        const lease = { partition, offset, attempt, consumer: this.consumer, leaseMs }
        const id = this.scene.auditor.delivers(place, batch.table.value(i)!, lease)
        this.scene.trace.note('leaser', `${this.consumer} got ${id} at ${offset}, attempt ${attempt}`)
        const held = { partition, offset, attempt, id }
        this.held.push(held)
        this.given.push(held)
      }
    }
  }

  private verdict(): Verdict {
    const drawn = this.random.below(10)
    if (drawn < 6) return { do: 'done' }
    if (drawn === 6) return { do: 'reject', reason: 'rejected' }
    return { do: 'release', delayMs: this.random.below(100) }
  }

  /** When others may have it. */
  private settleLate(held: Held): void {
    const { session } = this
    this.scene.machine.time.after(leaseMs + this.random.below(60), () => {
      if (!this.isDead() && this.session === session) this.settle(held)
    })
  }

  private settle(held: Held): void {
    const { partition, offset, attempt, id } = held
    const { auditor } = this.scene
    const { consumer } = this
    const more = (): void => this.broker.credit([{ consumer, messages: 1 }])
    // It forgets some, and their lease ends.
    if (this.random.once(12)) {
      if (this.random.once(2)) this.settleLate(held)
      return more()
    }
    const as = this.verdict()
    const counts = auditor.isNewest(place, partition, offset, attempt)
    if (counts && (as.do === 'done' || as.do === 'reject')) auditor.settling(place, id, as.do)
    auditor.releases(place, partition, offset, attempt)
    const ranges = [{ partition, first: offset, last: offset, attempt }]
    const subscription = this.topology.queues.work
    const options = { session: this.session, epoch: this.epoch }
    // To give something back stages nothing, and is answered at once.
    const given = as.do === 'release' ? [] : this.given.splice(0)
    this.broker
      .commit([{ op: 'settle', subscription, ranges, as }], options)
      .then(([result]) => {
        if (this.dead || result === undefined || failed(result) || result.ok.op !== 'settle') return
        const { done } = result.ok
        this.scene.trace.note('leaser', `${as.do} of ${id}, attempt ${attempt}: ${done}`)
        if (done > 0 && !counts) throw new Violation(`${place}@${offset}: stale attempt ${attempt} was taken`)
        if (done === 0 || as.do === 'release') return
        auditor.recorded(place, given)
        auditor.settled(place, id, as.do === 'done' ? 'done' : 'reject')
      })
      .catch((error: unknown) => this.scene.fail(error))
    more()
  }
}
