import type { Failure } from '../../base/index.ts'
import type { Health, Store } from '../../log/index.ts'
import type { Clock, Random, Timers } from '../../world/index.ts'
import { Catalogue } from '../catalogue/catalogue.ts'
import type { Attached } from '../consume/attached.ts'
import { Few } from '../consume/few.ts'
import { ReadAhead } from '../consume/read-ahead.ts'
import { TimerReads } from '../consume/timer-reads.ts'
import { Reads } from '../read/reads.ts'
import type { Leased } from '../consume/leased.ts'
import type { Positional } from '../consume/positional.ts'
import type { Blocked, Id, Receiver } from '../facade/index.ts'
import type { BrokerLimits } from '../options.ts'
import { Unreadable, type ReadTrouble } from '../read/unreadable.ts'
import type { Levels } from '../names.ts'
import type { LastValueState } from '../last-value/state.ts'
import { Router } from '../route/index.ts'
import { LateWills } from '../session/late-wills.ts'
import type { Session } from '../session/session.ts'
import { Ids } from './ids.ts'
import type { LogState } from './log-state.ts'
import type { Partition } from './partition.ts'
import { Releases, type Level } from './releases.ts'
import { Stage } from './stage.ts'
import { Turn } from './turn.ts'

export interface ShardWorld {
  clock: Clock
  timers: Timers
  random: Random
}

/** Of `readBytesMax` one alone gets a quarter (12 MiB as shipped), for all the partitions it asks for. */
const readSize = { least: 64 * 1024, most: 16 * 1024 * 1024, part: 1 / 4 }

/**
 * The state of the core over one store. What happens to it stands in the rooms beside: `catalogue`, `session`, `commit`,
 * `consume`, `read`, `keep`. Recovery fills it before there is a store; `start` gives it one.
 */
export class Shard {
  readonly world: ShardWorld
  readonly limits: BrokerLimits
  readonly catalogue = new Catalogue()
  readonly router: Router
  readonly turn: Turn
  readonly logs = new Map<Id, LogState>()
  /** By the store's id. */
  readonly partitions = new Map<number, Partition>()
  readonly leased = new Map<Id, Leased>()
  readonly positional = new Map<Id, Positional>()
  readonly consumers = new Map<Id, Attached>()
  private readonly names = new Map<string, Session>()
  readonly sessions = new Map<Id, Session>()
  /** Leased subscriptions with something to deliver, perhaps. */
  readonly ready = new Set<Leased>()
  /** Sessions with something for their receiver. */
  readonly outgoing = new Set<Session>()
  /** Called with each partition whose durable end has moved, or that has gone. */
  readonly watchers = new Map<number, Set<() => void>>()
  readonly farewells: { receiver: Receiver; client: Session['client'] }[] = []
  readonly readAhead: ReadAhead
  readonly timerReads = new TimerReads()
  /** Of the values in queues with a limit in bytes. */
  readonly counts = new Few(8)
  /** By position. */
  readonly reads: Reads
  readonly unreadable: Unreadable
  /** Why publishing is answered late or refused now, or null. */
  blocked: Blocked | null = null
  readonly counters = { recordsIn: 0, bytesIn: 0, recordsOut: 0 }
  /** What waits for the store to have space again. */
  readonly whenStoreTakes: (() => void)[] = []
  readonly lateWills = new LateWills()
  /** Logs whose records may have been consumed. */
  readonly consumed = new Set<LogState>()
  /** Logs, subscriptions and spaces that have lost a consumer or a route: perhaps their life is over. */
  readonly unused = new Set<Id>()
  /** Spaces that had a route; for `lastRoute`. */
  readonly routed = new Set<Id>()
  /** At recovery: objects that are not as the checkpoint has them. */
  readonly recoveredObjects = new Set<Id>()
  /** By namespace, and by the store's id of their partition. */
  readonly lastValues = new Map<Id, LastValueState>()
  readonly lastValuePartitions = new Map<number, LastValueState>()
  /** Ids below were given out, or may have been. */
  reservedIds = 0
  health: Health = { state: 'ok' }
  ids!: Ids
  stage!: Stage
  releases!: Releases
  store!: Store

  constructor(
    world: ShardWorld,
    limits: BrokerLimits,
    crashed: (error: unknown) => void,
    report: (trouble: ReadTrouble) => void,
    receiverFailed: Shard['receiverFailed'],
  ) {
    this.crashed = crashed
    this.receiverFailed = receiverFailed
    this.unreadable = new Unreadable(report, (partition) => this.nameOf(partition))
    this.world = world
    this.limits = limits
    this.turn = new Turn(world.timers)
    this.readAhead = new ReadAhead(limits.readAheadBytesMax)
    this.reads = new Reads(limits.readBytesMax, readSize)
    this.router = new Router({
      below: (bound) => world.random.below(bound),
      alternateOf: (space) => this.alternateOf(space),
      isConnected: (session) => (this.sessions.get(session)?.receiver ?? null) !== null,
    })
  }

  /** Wall time, ms since 1970. It may jump: for what is stored, and for what clients say in it. */
  get now(): number {
    return this.world.clock.now()
  }

  /** Never goes back, ms: for leases, delays, waiting, and how long something was not used. Worth nothing after a restart. */
  get monotonic(): number {
    return this.world.clock.monotonic()
  }

  start(store: Store): void {
    this.store = store
    this.releases = new Releases(store)
    this.stage = new Stage(
      store,
      this.limits.durability,
      (partition) => this.moved(partition),
      () => this.world.clock.monotonic(),
    )
    for (const object of this.recoveredObjects) this.stage.changed.add(object)
    this.recoveredObjects.clear()
    this.ids = new Ids(this.stage, this.reservedIds, (end) => void (this.reservedIds = end))
    this.health = store.health
  }

  private readonly crashed: (error: unknown) => void
  /** The receiver of this client's session threw. */
  readonly receiverFailed: (error: unknown, client: Session['client']) => void

  private nameOf(partition: Partition): { namespace: string; log: Levels | null } {
    const log = this.logs.get(partition.log)
    const namespace = log?.spec.namespace ?? this.lastValuePartitions.get(partition.id)?.namespace ?? 0
    const spec = this.catalogue.get(namespace)?.spec
    return { namespace: spec?.kind === 'namespace' ? spec.name : '', log: log?.spec.name ?? null }
  }

  private alternateOf(space: Id): Id {
    const item = this.catalogue.get(space)
    if (item?.spec.kind !== 'space' || item.spec.alternate === undefined) return 0
    return this.catalogue.space(item.spec.namespace, item.spec.alternate)?.id ?? 0
  }

  private moved(partition: Partition): void {
    const log = this.logs.get(partition.log)
    if (log === undefined) return
    for (const id of log.leased) {
      const leased = this.leased.get(id)
      if (leased !== undefined) this.wake(leased)
    }
    this.watched(partition.id)
  }

  watched(partition: number): void {
    const watchers = this.watchers.get(partition)
    if (watchers !== undefined) for (const watcher of [...watchers]) watcher()
  }

  /** A partition, for its growth and its end; or a log, for its next partition. */
  watch(partition: number, watcher: () => void): void {
    let watchers = this.watchers.get(partition)
    if (watchers === undefined) this.watchers.set(partition, (watchers = new Set()))
    watchers.add(watcher)
  }

  unwatch(partition: number, watcher: () => void): void {
    const watchers = this.watchers.get(partition)
    if (watchers?.delete(watcher) && watchers.size === 0) this.watchers.delete(partition)
  }

  addSession(session: Session): void {
    this.sessions.set(session.id, session)
    if (session.name !== null) this.names.set(sessionKey(session.namespace, session.name), session)
  }

  removeSession(session: Session): void {
    this.sessions.delete(session.id)
    this.outgoing.delete(session)
    if (session.name === null) return
    const key = sessionKey(session.namespace, session.name)
    if (this.names.get(key) === session) this.names.delete(key)
  }

  /** The session of that name, connected or waiting. */
  named(namespace: Id, name: string): Session | undefined {
    return this.names.get(sessionKey(namespace, name))
  }

  /** Its connection is to hear, at the end of the turn, that it has no session any more. */
  farewell(session: Session): void {
    if (session.receiver === null) return
    this.farewells.push({ receiver: session.receiver, client: session.client })
    session.leave()
    this.turn.ask()
  }

  /** There may be something to deliver. */
  wake(leased: Leased): void {
    this.ready.add(leased)
    this.turn.ask()
  }

  /** Records of it have been settled: more may be ready, and the log may let them go. */
  settled(leased: Leased): void {
    if (leased.log.spec.keep?.consumed) this.consumed.add(leased.log)
    this.wake(leased)
  }

  /** Resolves when more of the subscription's log has become durable, or has been read. */
  nextChance(leased: Leased): Promise<void> {
    this.stage.hard()
    if (leased.reading) return leased.nextRead()
    return this.releases.when(this.stage.last, leased.log.level, undefined, () => undefined)
  }

  /** Somebody has named it: its time without use begins anew. */
  used(id: Id): void {
    const log = this.logs.get(id)
    if (log !== undefined) log.usedAt = this.monotonic
    const subscription = this.leased.get(id) ?? this.positional.get(id)
    if (subscription !== undefined) subscription.usedAt = this.monotonic
  }

  /** Something goes on by itself; it reports its own failures. */
  background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.crashed(error))
  }

  /** There is something for its receiver. */
  output(session: Session): void {
    this.outgoing.add(session)
    this.turn.ask()
  }

  /** The results of one call, once what it has staged is as durable as promised, in the order of the session's calls. */
  answer<T>(session: Session | undefined, results: T[], commit: number, level: Level): Promise<(T | Failure)[]> {
    const ordered = session !== undefined && level === 'os' && session.replyCommit > this.store.durable
    const strict = level === 'fsync' || ordered
    const needed = Math.max(commit, session !== undefined && strict ? session.replyCommit : 0)
    if (session !== undefined && strict) session.replyCommit = needed
    return this.releases.when<(T | Failure)[]>(needed, strict ? 'fsync' : 'os', results, () =>
      results.map(() => unavailable),
    )
  }

  /** `value` when all that is staged now is durable; a commit is started for it. */
  reply<T>(session: Session | undefined, value: T, failure: (failure: Failure) => T): Promise<T> {
    this.stage.hard()
    if (session !== undefined) session.replyCommit = this.stage.last
    return this.releases.when(this.stage.last, this.limits.durability, value, () => failure(unavailable))
  }
}

const sessionKey = (namespace: Id, name: string): string => `${namespace}:${name}`

export const unavailable: Failure = { error: 'unavailable', detail: 'the store has failed; try again when it is open' }
export const fenced: Failure = { error: 'fenced', detail: 'the session has ended, or another client has taken it over' }
export const notFound = (what: string): Failure => ({ error: 'notFound', detail: `there is no such ${what}` })
