import type { Outcome } from '../base/index.ts'
import { define } from './catalogue/define.ts'
import { drop } from './catalogue/drop.ts'
import { commit } from './commit/commit.ts'
import { attach, credit, detach, flow } from './consume/attach.ts'
import { armWaiting } from './consume/due.ts'
import { pumpAll } from './consume/pump.ts'
import { peek, take } from './consume/take.ts'
import type { AttachOptions, Broker, Entry, Id, Opened, PartitionBounds, Receiver, Spec } from './facade/index.ts'
import { trimConsumed } from './keep/consumed.ts'
import { endUnused } from './keep/lifetimes.ts'
import { Sweep } from './keep/sweep.ts'
import { lastValues } from './last-value/last-value.ts'
import { defaultLimits, type BrokerOptions } from './options.ts'
import { locate } from './read/locate.ts'
import { read } from './read/read.ts'
import { finishRecovery } from './recovery/finish.ts'
import { ShardMachine } from './recovery/machine.ts'
import { Reopening } from './reopening.ts'
import { disconnect, end } from './session/close.ts'
import { handOver, handOverAll } from './session/hand-over.ts'
import { open } from './session/open.ts'
import type { Session } from './session/session.ts'
import type { Partition } from './shard/partition.ts'
import { Pressure } from './shard/pressure.ts'
import { fenced, Shard, unavailable } from './shard/shard.ts'
import { Syncing } from './shard/syncing.ts'
import { metricsOf, routesOf, sessionInfos, statsOf } from './shard/views.ts'

type Options = Parameters<Broker['close']>[2]

/** Opens the store, rebuilds what it says, and serves. */
export async function openBroker(options: BrokerOptions): Promise<ShardBroker> {
  const broker = new ShardBroker(options)
  await broker.start()
  return broker
}

export class ShardBroker implements Broker {
  private readonly options: BrokerOptions
  private shard: Shard
  private readonly reopening: Reopening
  private sweep: Sweep | null = null
  private stopped = false
  /** Called with errors that are the broker's own fault; the process should not go on. */
  crashed: (error: unknown) => void = (error) => {
    throw error
  }

  constructor(options: BrokerOptions) {
    this.options = options
    this.shard = this.newShard()
    this.reopening = new Reopening(options.clock, options.timers, this.shard.limits)
  }

  private newShard(): Shard {
    const { clock, timers, random, options } = this.options
    const limits = { ...defaultLimits, ...options }
    const report = this.options.report ?? (() => undefined)
    const crashed = (error: unknown): void => this.crashed(error)
    return new Shard({ clock, timers, random }, limits, crashed, report, this.options.receiverFailed ?? crashed)
  }

  async start(): Promise<void> {
    const shard = this.newShard()
    const store = await this.options.openStore(new ShardMachine(shard))
    if (this.stopped) return store.close()
    try {
      finishRecovery(shard, store)
    } catch (error) {
      await store.close()
      throw error
    }
    const pressure = new Pressure(shard)
    const syncing = new Syncing(shard)
    this.sweep = new Sweep(shard)
    for (const phase of [
      () => pumpAll(shard),
      () => armWaiting(shard),
      () => trimConsumed(shard),
      () => endUnused(shard),
      () => handOverAll(shard),
      () => pressure.look(),
    ]) {
      shard.turn.add(phase)
    }
    store.onProgress(() => {
      shard.stage.progress()
      shard.releases.progress()
      pressure.look()
      syncing.look()
    })
    store.onHealth((health) => {
      shard.health = health
      pressure.look()
      if (health.state === 'ok') for (const resume of shard.whenStoreTakes.splice(0)) resume()
      if (health.state === 'failed') this.failed(shard)
    })
    this.shard = shard
    this.sweep.start()
    await shard.reply(undefined, undefined, () => undefined)
  }

  /** What is under way is undecided: nobody hears anything but that, and the journal is read again. */
  private failed(shard: Shard): void {
    this.kill()
    for (const session of shard.sessions.values()) {
      session.notices = [{ notice: 'unavailable' }]
      session.deliveries = []
      handOver(shard, session)
      session.leave()
    }
    handOverAll(shard)
    this.reopening.begin(shard.store.close(), () => this.start())
  }

  /** Nothing can be staged: the store has failed, and is not open again yet. */
  private get down(): boolean {
    return this.stopped || this.shard.health.state === 'failed'
  }

  // -- catalogue
  define(specs: readonly Spec[], mode: 'create' | 'ensure' | 'replace') {
    return this.change(specs, (spec) => define(this.shard, spec, mode))
  }

  drop(items: readonly { id: Id; ifUnused?: boolean; ifEmpty?: boolean }[]) {
    return this.change(items, (item) => {
      const { shard } = this
      const session = shard.sessions.get(item.id)
      if (session !== undefined) return this.dropSession(session)
      if (shard.catalogue.get(item.id)?.spec.kind === 'namespace') {
        for (const one of [...shard.sessions.values()]) if (one.namespace === item.id) this.dropSession(one)
      }
      const result = drop(shard, item)
      endUnused(shard)
      return result
    })
  }

  private dropSession(session: Session): Outcome<{ records: number }> {
    this.shard.farewell(session)
    end(this.shard, session)
    return { ok: { records: 0 } }
  }

  private change<A, B>(given: readonly A[], one: (item: A) => Outcome<B>): Promise<Outcome<B>[]> {
    if (this.down) return Promise.resolve(given.map(() => unavailable))
    const results = given.map(one)
    return this.shard.reply<Outcome<B>[]>(undefined, results, (failure) => results.map(() => failure))
  }

  get(id: Id): Entry | undefined {
    return this.shard.catalogue.get(id)
  }

  findNamespace(name: string) {
    return this.shard.catalogue.namespace(name)
  }

  findSpace(namespace: Id, name: string) {
    return this.shard.catalogue.space(namespace, name)
  }

  findLog(namespace: Id, name: readonly string[]) {
    return this.shard.catalogue.log(namespace, name)
  }

  findSubscription(log: Id, name: string, mode: 'positional' | 'leased') {
    return this.shard.catalogue.subscription(log, name, mode)
  }

  routes(id: Id) {
    return routesOf(this.shard, id)
  }

  list: Broker['list'] = (kind, namespace) => {
    const { catalogue } = this.shard
    const all = catalogue.all(kind)
    return namespace === undefined ? all : all.filter((item) => catalogue.namespaceOf(item.spec) === namespace)
  }

  stats(subscription: Id) {
    return statsOf(this.shard, subscription)
  }

  settled(what?: 'definitions'): Promise<Outcome<object>> {
    if (this.down) return Promise.resolve(unavailable)
    const { stage, store } = this.shard
    if (what === 'definitions' && stage.lastDefined <= store.durable) return Promise.resolve({ ok: {} })
    return this.shard.reply<Outcome<object>>(undefined, { ok: {} }, (failure) => failure)
  }

  async available(): Promise<boolean> {
    await this.reopening.over
    return !this.stopped
  }

  // -- sessions
  async open(options: Parameters<Broker['open']>[0], receiver: Receiver): Promise<Outcome<Opened>> {
    const { shard } = this
    if (this.down) return unavailable
    const before = shard.stage.count
    const result = open(shard, options, receiver)
    if (shard.stage.count !== before) shard.stage.hard()
    const commit = shard.stage.count !== before ? shard.stage.last : shard.ids.commit
    const [answer] = await shard.answer(undefined, [result], commit, shard.limits.durability)
    return answer!
  }

  async close(id: Id, epoch: number, options: Options): Promise<Outcome<object>> {
    const { shard } = this
    if (this.down) return unavailable
    const session = shard.sessions.get(id)
    if (session === undefined || session.epoch !== epoch || session.receiver === null) return fenced
    const before = shard.stage.count
    disconnect(shard, session, options)
    endUnused(shard)
    if (shard.stage.count === before) return { ok: {} }
    return shard.reply<Outcome<object>>(undefined, { ok: {} }, (failure) => failure)
  }

  sessions() {
    return sessionInfos(this.shard)
  }

  // -- writing
  commit: Broker['commit'] = (ops, options) =>
    this.down ? Promise.resolve(ops.map(() => unavailable)) : commit(this.shard, ops, options)

  // -- reading by position
  read: Broker['read'] = (parts, options) =>
    this.down ? Promise.resolve(parts.map(() => unavailable)) : read(this.shard, parts, options)

  bounds(log: Id) {
    const partitions = this.shard.logs.get(log)?.partitions ?? []
    return partitions.flatMap((one) => (one === null ? [] : boundsOf(one)))
  }

  boundsOf(id: Id, partition: number) {
    const log = this.shard.logs.get(id)
    const found = log?.partition(partition)
    if (found) return boundsOf(found)
    return log?.isUnusedLane(partition) === true ? { partition, start: 0, end: 0, bytes: 0 } : undefined
  }

  locate: Broker['locate'] = (log, partition, time, session) =>
    this.down ? Promise.resolve(unavailable) : locate(this.shard, log, partition, time, session)

  positions(log: Id, subscription: string) {
    const item = this.shard.catalogue.subscription(log, subscription, 'positional')
    return item === undefined ? [] : this.shard.positional.get(item.id)!.list()
  }

  retained: Broker['retained'] = (namespace, pattern) => lastValues(this.shard, namespace, pattern)

  // -- being delivered to
  async attach(options: AttachOptions): Promise<Outcome<{ consumer: Id; active: boolean }>> {
    const { shard } = this
    if (this.down) return unavailable
    const result = attach(shard, options)
    const [answer] = await shard.answer(
      shard.sessions.get(options.session),
      [result],
      shard.ids.commit,
      shard.limits.durability,
    )
    return answer!
  }

  credit: Broker['credit'] = (grants) => {
    if (!this.down) credit(this.shard, grants)
  }

  flow(session: Id, epoch: number, open: boolean): void {
    if (!this.down) flow(this.shard, session, epoch, open)
  }

  detach(consumer: Id, leased: 'keep' | 'release'): Promise<Outcome<object>> {
    if (this.down) return Promise.resolve(unavailable)
    const result = detach(this.shard, consumer, leased)
    endUnused(this.shard)
    return Promise.resolve(result)
  }

  take: Broker['take'] = (options) => (this.down ? Promise.resolve(unavailable) : take(this.shard, options))

  async peek(subscription: Id, limit: number) {
    const leased = this.down ? undefined : this.shard.leased.get(subscription)
    return leased === undefined ? [] : peek(this.shard, leased, limit).catch(() => [])
  }

  metrics() {
    return metricsOf(this.shard)
  }

  /** Stops at once; what was not durable stays undecided. */
  kill(): void {
    this.halt()
    this.shard.stage.closed = true
    this.shard.releases.fail()
  }

  /** Nothing happens by itself any more; a timer of a session that is kept would hold the process. */
  private halt(): void {
    this.sweep?.stop()
    this.shard.turn.stop()
    for (const session of this.shard.sessions.values()) session.cancelTimers()
    for (const leased of this.shard.leased.values()) leased.timer?.cancel()
  }

  /** Makes everything staged durable and stops. */
  async shutdown(): Promise<void> {
    this.stopped = true
    this.halt()
    await this.reopening.stop()
    await this.shard.store.close()
    this.shard.stage.closed = true
  }
}

/** A purge also takes what is staged: then the start is ahead of what is durable. */
function boundsOf({ index, start, durableEnd, bytes }: Partition): PartitionBounds {
  return { partition: index, start, end: Math.max(start, durableEnd), bytes }
}
