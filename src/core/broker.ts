import type { Failure, Outcome } from '../base/index.ts'
import type { Health } from '../log/index.ts'
import { define } from './catalogue/define.ts'
import { drop } from './catalogue/drop.ts'
import { commit } from './commit/commit.ts'
import { attach, credit, detach } from './consume/attach.ts'
import { pumpAll } from './consume/pump.ts'
import { peek, take } from './consume/take.ts'
import type { Broker, Entry, Id, Receiver, Spec } from './facade/index.ts'
import { trimConsumed } from './keep/consumed.ts'
import { defaultLimits, type BrokerOptions } from './options.ts'
import { locate } from './read/locate.ts'
import { read } from './read/read.ts'
import { finishRecovery } from './recovery/finish.ts'
import { ShardMachine } from './recovery/machine.ts'
import { disconnect, end } from './session/close.ts'
import { open } from './session/open.ts'
import { fenced, Shard } from './shard/shard.ts'
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
  /** Called with errors that are the broker's own fault; the process should not go on. */
  crashed: (error: unknown) => void = (error) => {
    throw error
  }

  constructor(options: BrokerOptions) {
    this.options = options
    this.shard = this.newShard()
  }

  private newShard(): Shard {
    const { clock, timers, random, options } = this.options
    const limits = { ...defaultLimits, ...options }
    return new Shard({ clock, timers, random }, limits, (error) => this.crashed(error))
  }

  async start(): Promise<void> {
    const shard = (this.shard = this.newShard())
    const store = await this.options.openStore(new ShardMachine(shard))
    finishRecovery(shard, store)
    shard.turn.add(() => pumpAll(shard))
    shard.turn.add(() => trimConsumed(shard))
    shard.turn.add(() => {
      const sessions = [...shard.outgoing]
      shard.outgoing.clear()
      for (const session of sessions) shard.flush(session)
    })
    store.onProgress(() => {
      shard.stage.progress()
      shard.releases.progress()
    })
    store.onHealth((health) => this.changed(shard, health))
    await shard.reply(undefined, undefined, () => undefined)
  }

  private changed(shard: Shard, health: Health): void {
    shard.health = health
    if (health.state === 'ok') for (const resume of shard.whenStoreTakes.splice(0)) resume()
    if (health.state === 'failed') shard.releases.fail()
  }

  // -- catalogue
  define(specs: readonly Spec[], mode: 'create' | 'ensure' | 'replace') {
    const { shard } = this
    const results = specs.map((spec) => define(shard, spec, mode))
    return this.settle(results)
  }

  drop(items: readonly { id: Id; ifUnused?: boolean; ifEmpty?: boolean }[]) {
    const { shard } = this
    const results = items.map((item) => {
      const session = shard.sessions.get(item.id)
      if (session === undefined) return drop(shard, item)
      session.notices.push({ notice: 'fenced' })
      shard.flush(session)
      end(shard, session)
      return { ok: { records: 0 } }
    })
    return this.settle(results)
  }

  private settle<T>(results: Outcome<T>[]): Promise<Outcome<T>[]> {
    return this.shard.reply<Outcome<T>[]>(undefined, results, (failure: Failure) => results.map(() => failure))
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

  settled(): Promise<void> {
    return this.shard.reply(undefined, undefined, () => undefined)
  }

  // -- sessions
  open(options: Parameters<Broker['open']>[0], receiver: Receiver) {
    const { shard } = this
    const before = shard.stage.count
    const result = open(shard, options, receiver)
    if (shard.stage.count !== before) shard.stage.hard()
    const commit = shard.stage.count !== before ? shard.stage.last : shard.ids.commit
    return shard.answer(undefined, [result], commit, 'fsync').then(([one]) => one!)
  }

  async close(id: Id, epoch: number, options: Options): Promise<Outcome<object>> {
    const { shard } = this
    const session = shard.sessions.get(id)
    if (session === undefined || session.epoch !== epoch || session.receiver === null) return fenced
    const before = shard.stage.count
    disconnect(shard, session, options)
    if (shard.stage.count === before) return { ok: {} }
    return shard.reply<Outcome<object>>(undefined, { ok: {} }, (failure) => failure)
  }

  sessions() {
    return sessionInfos(this.shard)
  }

  // -- writing
  commit: Broker['commit'] = (ops, options) => commit(this.shard, ops, options)

  // -- reading by position
  read: Broker['read'] = (parts, options) => read(this.shard, parts, options)

  bounds(log: Id) {
    const partitions = this.shard.logs.get(log)?.partitions ?? []
    return partitions.flatMap((one) =>
      one === null ? [] : { partition: one.index, start: one.start, end: one.durableEnd, bytes: one.bytes },
    )
  }

  async locate(log: Id, index: number, time: number | 'max') {
    const partition = this.shard.logs.get(log)?.partition(index)
    return partition ? locate(this.shard, partition, time) : { offset: -1, timestamp: -1 }
  }

  positions(log: Id, subscription: string) {
    const item = this.shard.catalogue.subscription(log, subscription, 'positional')
    return item === undefined ? [] : this.shard.positional.get(item.id)!.list()
  }

  async retained() {
    return []
  }

  // -- being delivered to
  attach(options: Parameters<Broker['attach']>[0]) {
    const { shard } = this
    const result = attach(shard, options)
    return shard.answer(shard.sessions.get(options.session), [result], shard.ids.commit, 'fsync').then(([one]) => one!)
  }

  credit: Broker['credit'] = (grants) => credit(this.shard, grants)

  async detach(consumer: Id, leased: 'keep' | 'release'): Promise<Outcome<object>> {
    return detach(this.shard, consumer, leased)
  }

  take: Broker['take'] = (options) => take(this.shard, options)

  async peek(subscription: Id, limit: number) {
    const leased = this.shard.leased.get(subscription)
    return leased === undefined ? [] : peek(this.shard, leased, limit)
  }

  metrics() {
    return metricsOf(this.shard)
  }

  /** Stops at once; what was not durable stays undecided. */
  kill(): void {
    this.shard.turn.stop()
    this.shard.releases.fail()
  }

  /** Makes everything staged durable and stops. */
  async shutdown(): Promise<void> {
    this.shard.turn.stop()
    await this.shard.store.close()
  }
}
