import assert from 'node:assert/strict'
import { failed, type Outcome } from '../../base/index.ts'
import {
  BatchBuilder,
  openStore,
  type Machine,
  type OpenStoreTerms,
  type Store,
  type Undecided,
} from '../../log/index.ts'
import { MemoryDisk, type Disk } from '../../world/index.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { openBroker, type ShardBroker } from '../broker.ts'
import type { ReadTrouble } from '../read/unreadable.ts'
import type {
  AttachOptions,
  DeliveredBatch,
  Delivery,
  Id,
  LogSpec,
  Notice,
  Op,
  OpOk,
  OpenOptions,
  Pattern,
  Receiver,
  Spec,
  SubscriptionSpec,
} from '../facade/index.ts'
import { openMemoryStore, type MemoryJournal, type MemoryStore } from '../memory-store.ts'
import type { BrokerLimits, BrokerOptions } from '../options.ts'

/** A client of the core: remembers what it was told. */
export class Client implements Receiver {
  session = 0
  epoch = 0
  deliveries: Delivery[] = []
  notices: Notice[] = []

  deliver(deliveries: readonly Delivery[]): void {
    this.deliveries.push(...deliveries)
  }

  notice(notice: Notice): void {
    this.notices.push(notice)
  }

  /** Values delivered since the last call. */
  values(): string[] {
    return this.deliveries.splice(0).flatMap(valuesOf)
  }
}

export function valuesOf({ batch, first, count }: Delivery): string[] {
  return Array.from({ length: count }, (_, i) => String(batch.table.value(first + i)))
}

const builder = new BatchBuilder()

/** One batch of records; `key=value` has a key. */
export function records(...values: string[]): { batch: Buffer; foreign: boolean } {
  for (const text of values) {
    const at = text.indexOf('=')
    const key = at < 0 ? null : Buffer.from(text.slice(0, at))
    builder.add(1000, key, Buffer.from(text.slice(at + 1)))
  }
  return { batch: builder.finish(), foreign: true }
}

export function ok<T>(outcome: Outcome<T> | undefined): T {
  assert.ok(outcome !== undefined && !failed(outcome), JSON.stringify(outcome))
  return outcome.ok
}

export function errorOf(outcome: Outcome<unknown> | undefined): string {
  assert.ok(outcome !== undefined && failed(outcome), JSON.stringify(outcome))
  return outcome.error
}

/** A broker over the memory store, in simulated time. */
export class Stand {
  time = new SimTime()
  readonly storage: 'memory' | 'journal'
  readonly journal: MemoryJournal = { commits: [] }
  disk: Disk
  readonly storeOptions: NonNullable<OpenStoreTerms['options']> = {
    slotBytes: 256 * 1024,
    frameBytesMax: 64 * 1024,
    checkpointMs: 1000,
  }
  report: (trouble: ReadTrouble) => void = () => undefined
  receiverFailed: NonNullable<BrokerOptions['receiverFailed']> = (error) => {
    throw error
  }
  private undecided: Undecided = { place: null }
  broker!: ShardBroker
  store!: MemoryStore
  /** The store in use, whichever it is. */
  current!: Store
  namespace: Id = 0
  shared: Id = 0

  constructor(storage: 'memory' | 'journal', disk: Disk = new MemoryDisk()) {
    this.storage = storage
    this.disk = disk
  }

  static async open(options: Partial<BrokerLimits> = {}, storage: 'memory' | 'journal' = 'memory'): Promise<Stand> {
    const stand = new Stand(storage)
    await stand.start(options)
    return stand
  }

  async start(options: Partial<BrokerLimits> = {}): Promise<void> {
    this.broker = await this.wait(
      openBroker({
        clock: this.time,
        timers: this.time,
        random: new SimRandom(1),
        options,
        report: (trouble) => this.report(trouble),
        receiverFailed: (error, client) => this.receiverFailed(error, client),
        openStore: async (machine) => (this.current = await this.openStore(machine)),
      }),
    )
    this.namespace = this.broker.findNamespace('default')!.id
    this.shared = this.broker.findSpace(this.namespace, '')!.id
  }

  private async openStore(machine: Machine): Promise<Store> {
    const world = { clock: this.time, timers: this.time, random: new SimRandom(2), disk: () => this.disk }
    const { undecided, storeOptions: options } = this
    if (this.storage === 'journal') return openStore({ world, directory: 'data', machine, options, undecided })
    this.store = await openMemoryStore(machine, { ...world, journal: this.journal, commitMs: 1 })
    return this.store
  }

  /** As if the process had been killed: what was not durable is gone. */
  async crash(options: Partial<BrokerLimits> = {}): Promise<void> {
    this.broker.kill()
    if (this.storage === 'memory') this.store.kill()
    // What the old process still had on its way stays where it was: nobody runs its time any more.
    this.time = new SimTime(this.time.now() + 1)
    this.undecided = { place: null }
    await this.start(options)
  }

  wait<T>(promise: Promise<T>): Promise<T> {
    return this.time.until(promise)
  }

  /** All last values whose address matches. */
  retained(levels: Pattern['levels']): Promise<DeliveredBatch[]> {
    const all = async (): Promise<DeliveredBatch[]> => {
      const found: DeliveredBatch[] = []
      for await (const page of this.broker.retained(this.namespace, { levels })) found.push(...page)
      return found
    }
    return this.wait(all())
  }

  /** Lets everything that is under way happen. */
  async settle(ms = 100): Promise<void> {
    await this.time.advance(ms)
  }

  async client(options: Partial<OpenOptions> = {}): Promise<Client> {
    const client = new Client()
    const opened = ok(await this.wait(this.broker.open({ namespace: this.namespace, user: 'me', ...options }, client)))
    client.session = opened.session
    client.epoch = opened.epoch
    return client
  }

  async define(spec: Spec): Promise<Id> {
    const [outcome] = await this.wait(this.broker.define([spec], 'create'))
    return ok(outcome).id
  }

  log(name: string, more: Partial<LogSpec> = {}): Promise<Id> {
    return this.define({ kind: 'log', namespace: this.namespace, name: name.split('.'), partitions: 1, ...more })
  }

  /** A log with its default leased subscription: their ids. */
  async queue(name: string, policy: SubscriptionSpec['policy'] = {}, more: Partial<LogSpec> = {}): Promise<[Id, Id]> {
    const log = await this.log(name, { keep: { consumed: true }, ...more })
    return [log, await this.define({ kind: 'subscription', log, name: '', mode: 'leased', policy })]
  }

  route(pattern: string, target: Id | { session: Id }, more: { owner?: Id } = {}): Promise<Id> {
    const levels = pattern.split('.').map((level) => {
      return level === '*' ? ({ any: 'one' } as const) : level === '#' ? ({ any: 'rest' } as const) : level
    })
    const to = typeof target === 'number' ? { log: target } : target
    return this.define({ kind: 'route', space: this.shared, pattern: { levels }, target: to, ...more })
  }

  async commit(client: Client, ...ops: Op[]): Promise<OpOk[]> {
    const results = await this.wait(this.broker.commit(ops, { session: client.session, epoch: client.epoch }))
    return results.map((result) => ok(result))
  }

  publish(client: Client, address: string, ...values: string[]): Promise<OpOk[]> {
    const to = [{ space: this.shared, levels: address.split('.') }]
    return this.commit(client, { op: 'publish', to, ...records(...values) })
  }

  append(client: Client, log: Id, ...values: string[]): Promise<OpOk[]> {
    return this.commit(client, { op: 'append', log, ...records(...values) })
  }

  async attach(client: Client, subscription: Id, more: Partial<AttachOptions> = {}, messages = Infinity): Promise<Id> {
    const options: AttachOptions = {
      session: client.session,
      subscription,
      leaseMs: Infinity,
      settle: 'byConsumer',
      ...more,
    }
    const { consumer } = ok(await this.wait(this.broker.attach(options)))
    if (messages > 0) this.broker.credit([{ consumer, messages }])
    await this.settle()
    return consumer
  }

  /** All values in a partition. */
  async readAll(log: Id, partition = 0): Promise<string[]> {
    const bounds = this.broker.bounds(log)[partition]!
    const [part] = await this.wait(
      this.broker.read([{ log, partition, offset: bounds.start, bytesMax: 1e9 }], {
        session: 0,
        bytesMin: 0,
        bytesMax: 1e9,
        waitMs: 0,
      }),
    )
    return ok(part).batches.flatMap((batch) => {
      return Array.from({ length: batch.table.count }, (_, i) => String(batch.table.value(i)))
    })
  }
}
