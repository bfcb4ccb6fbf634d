import { failed } from '../../../src/base/index.ts'
import type { DeliveredBatch, Id } from '../../../src/core/index.ts'
import { Violation, type Found, type Range } from '../audit/index.ts'
import type { Scene } from './scene.ts'
import { noReceiver, type Topology } from './topology.ts'

interface Inspected {
  /** Of the place. */
  name: string
  log: Id
  ranges: readonly Range[]
  /** Others consume it. */
  mayShrink: boolean
  /** False: it was deleted while it was read. */
  stays(): boolean
}

const bytesMax = 20_000
/** So long a queue may need to read what it has. */
const takeMsMax = 60_000
/** So long it takes at most to read what is moved. */
const moveMs = 1000

/** Looks at all there is through the facade, as somebody who starts from the beginning, and lets the auditor judge. */
export class Inspector {
  private readonly scene: Scene
  readonly topology: Topology
  private session = 0

  constructor(scene: Scene, topology: Topology) {
    this.scene = scene
    this.topology = topology
  }

  private get broker() {
    return this.scene.machine.broker
  }

  private until<T>(promise: Promise<T>): Promise<T> {
    return this.scene.machine.time.until(promise)
  }

  async open(): Promise<void> {
    const opened = await this.until(this.broker.open({ namespace: this.topology.namespace, user: 'sim' }, noReceiver))
    if (failed(opened)) throw new Violation(`nobody can open a session: ${opened.detail}`)
    this.session = opened.ok.session
  }

  /** Every log, as all of them are at this moment. */
  async whole(): Promise<void> {
    const { auditor } = this.scene
    const promised = auditor.promised()
    const lasting = Object.entries(this.topology.logs).map(([name, log]) => ({
      ...{ name, log, ranges: this.broker.bounds(log), mayShrink: name in this.topology.queues },
      stays: () => true,
    }))
    const read = new Map<string, { ranges: readonly Range[]; found: Found[] }>()
    const all = [...lasting, ...this.passing()]
    for (const one of all) {
      const found: Found[] = []
      for (const range of one.ranges) await this.readRange(one, range, found)
      read.set(one.name, { ranges: one.ranges, found })
    }
    for (const { name, stays } of all) if (!stays()) read.delete(name)
    auditor.whole(read, promised)
  }

  /** The queues and topics that clients make and delete, if they are there: what was deleted is not, what was made is. */
  private passing(): Inspected[] {
    return Object.values(this.scene.changing).flatMap((changing) => {
      const { name, state, place } = changing
      const log = this.broker.findLog(this.topology.namespace, [name])?.id
      if (log !== undefined && state === 'gone') throw new Violation(`${place} was deleted, and is there`)
      if (log === undefined && state === 'there') throw new Violation(`${place} was made, and is not there`)
      if (log === undefined || state !== 'there') return []
      const stays = (): boolean => changing.state === 'there' && changing.place === place
      return [{ name: place, log, ranges: this.broker.bounds(log), mayShrink: name.endsWith('queue'), stays }]
    })
  }

  private async readRange(inspected: Inspected, { partition, start, end }: Range, found: Found[]): Promise<void> {
    const { name, log, mayShrink, stays } = inspected
    let offset = start
    let nothingFrom = Infinity
    while (offset < end) {
      const options = { session: this.session, bytesMin: 1, bytesMax, waitMs: 0 }
      const [part] = await this.until(this.broker.read([{ log, partition, offset, bytesMax }], options))
      if (!stays()) return
      if (failed(part!)) {
        // A queue may be consumed and cut while it is read.
        const [now] = this.broker.bounds(log).filter((one) => one.partition === partition)
        if (part.error === 'outOfRange' && now !== undefined && now.start > offset) {
          offset = now.start
          continue
        }
        throw new Violation(`${name}/${partition}@${offset} cannot be read: ${part.error} ${part.detail}`)
      }
      if (part!.ok.batches.length === 0) {
        // What was settled or damaged may be gone, and then so is all behind it: each is asked for.
        if (!mayShrink && !this.scene.auditor.anyRotten)
          throw new Violation(`${name}/${partition}@${offset}: nothing, the end is ${end}`)
        nothingFrom = Math.min(nothingFrom, offset++)
        continue
      }
      if (nothingFrom < end && part!.ok.batches[0]!.baseOffset < end)
        throw new Violation(`${name}/${partition}@${nothingFrom}: nothing, but there is at ${offset}`)
      for (const batch of part!.ok.batches) {
        for (let i = 0; i < batch.table.count; i++) {
          const at = batch.baseOffset + batch.table.offsetDelta(i)
          if (at >= offset && at < end) found.push({ partition, offset: at, id: this.record(name, batch, i, at) })
        }
        offset = Math.max(offset, batch.baseOffset + batch.count)
      }
    }
  }

  private record(name: string, batch: DeliveredBatch, i: number, offset: number): string {
    return this.scene.auditor.reads(name, batch.partition, offset, batch.table.value(i)!)
  }

  position(): void {
    const [position] = this.broker.positions(this.topology.logs.topic, 'group')
    this.scene.auditor.position('group', position?.offset ?? -1)
  }

  /** At the end: takes what is left in the queues, settling nothing, when nobody else consumes. */
  async drain(): Promise<void> {
    const all = new Map<string, Found[]>()
    for (const [name, subscription] of this.queues()) {
      const left: Found[] = []
      const until = this.scene.now + takeMsMax
      while ((await this.take(name, subscription, left)) || this.broker.stats(subscription).ready > 0) {
        if (this.scene.now > until) throw new Violation(`${name}: what is ready cannot be taken`)
        await this.scene.machine.time.advance(5)
      }
      all.set(name, left)
    }
    // What has had too many attempts is moved only when it would be its turn, and perhaps read from the disk for that.
    await this.scene.machine.time.advance(moveMs)
    await this.until(this.broker.settled())
    const dead = await this.deadLetters()
    this.scene.auditor.deadLetters(dead)
    for (const [name, left] of all) this.scene.auditor.drained(name, left, dead)
  }

  private queues(): (readonly [name: string, subscription: Id])[] {
    const { state, place, name } = this.scene.changing.queue
    const log = state === 'there' ? this.broker.findLog(this.topology.namespace, [name])!.id : 0
    const passing = this.broker.findSubscription(log, '', 'leased')
    return [...Object.entries(this.topology.queues), ...(passing === undefined ? [] : [[place, passing.id] as const])]
  }

  private async take(name: string, subscription: Id, left: Found[]): Promise<boolean> {
    const { session } = this
    const terms = { session, subscription, messages: 100, leaseMs: Infinity, settle: 'byConsumer' } as const
    const taken = await this.until(this.broker.take(terms))
    if (failed(taken)) throw new Violation(`${name} cannot be consumed: ${taken.detail}`)
    for (const { batch, first, count, attempt } of taken.ok) {
      for (let i = first; i < first + count; i++) {
        const offset = batch.baseOffset + batch.table.offsetDelta(i)
        const { partition } = batch
        const lease = { partition, offset, attempt, consumer: session, leaseMs: Infinity }
        const id = this.scene.auditor.delivers(name, batch.table.value(i)!, lease)
        if (offset <= (left.at(-1)?.offset ?? -1)) throw new Violation(`${name}: ${offset} was taken out of order`)
        left.push({ partition, offset, id })
      }
    }
    return taken.ok.length > 0
  }

  private async deadLetters(): Promise<{ id: string; reasons: string[] }[]> {
    const log = this.topology.logs.dead
    const [bounds] = this.broker.bounds(log)
    const dead: { id: string; reasons: string[] }[] = []
    for (let offset = bounds!.start; offset < bounds!.end;) {
      const options = { session: this.session, bytesMin: 1, bytesMax, waitMs: 0 }
      const [part] = await this.until(this.broker.read([{ log, partition: 0, offset, bytesMax }], options))
      if (failed(part!)) throw new Violation(`dead@${offset} cannot be read: ${part.detail}`)
      for (const batch of part!.ok.batches) {
        for (let i = 0; i < batch.table.count; i++) {
          const at = batch.baseOffset + batch.table.offsetDelta(i)
          if (at < offset) continue
          dead.push({ id: this.record('dead', batch, i, at), reasons: batch.history.map(({ reason }) => reason) })
        }
        offset = batch.baseOffset + batch.count
      }
    }
    return dead
  }
}
