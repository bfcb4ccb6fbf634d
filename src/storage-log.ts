import { Damaged, Mended, type Health } from './log/index.ts'
import { levelUtf8, plainNames, type ReadTrouble } from './core/index.ts'
import type { Fields, Logger } from './server/index.ts'
import { DiskError, type Clock, type Timer, type Timers } from './world/index.ts'

/** The same trouble is told again after so long, with how often it came. */
const repeatMs = 10 * 60_000
/** Kinds of trouble remembered. */
const troublesMax = 200
/** Consumers that drain a full disk make it full and not full in turns. */
const fullRepeatMs = 60_000

/**
 * What an operator reads of the storage: what has happened, what it means for the clients, what to do. One line for each
 * change of state; what is tried again and again is told when its reason is new, or now and then.
 */
export class StorageLog {
  /** As of now, also while there is no store that could be asked. */
  health: Health = { state: 'ok' }
  private readonly log: Logger
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly data: string
  private readonly troubles = new Map<string, { toldAt: number; times: number }>()
  private failedAt = 0
  private fullToldAt = -Infinity
  private fullIsTold = false
  private fullTimer: Timer | null = null

  constructor(log: Logger, world: { clock: Clock; timers: Timers }, data: string) {
    this.log = log
    this.clock = world.clock
    this.timers = world.timers
    this.data = data
  }

  /** Of the store that is open. */
  changed(health: Health): void {
    const before = this.health.state
    this.health = health
    if (health.state === 'full') {
      this.full()
    } else if (health.state === 'failed') {
      this.failedAt = this.clock.monotonic()
      const means = 'clients are let go, nothing is acknowledged, and it is tried again by itself'
      this.log.error(`the storage has failed: ${means}`, this.about(health.failure.detail))
    } else if (before === 'full' && this.fullIsTold) {
      this.fullIsTold = false
      this.log.info('the disk has space again: messages are taken', { data: this.data })
    }
  }

  /** At once, unless it was told just before; then if it still is. */
  private full(): void {
    if (this.health.state !== 'full' || this.fullIsTold || this.fullTimer !== null) return
    const now = this.clock.monotonic()
    const restMs = this.fullToldAt + fullRepeatMs - now
    if (restMs > 0) {
      this.fullTimer = this.timers.after(restMs, () => {
        this.fullTimer = null
        this.full()
      })
      return
    }
    this.fullToldAt = now
    this.fullIsTold = true
    const means = 'messages are refused, what is there can be consumed, and it goes on by itself when there is space'
    this.log.error(`the disk is full: ${means}`, this.about(this.health.failure.detail))
  }

  /** A store that had failed is open again. */
  opened(): void {
    const { state } = this.health
    this.health = { state: 'ok' }
    if (state !== 'failed') return
    const downMs = Math.round(this.clock.monotonic() - this.failedAt)
    this.log.info('the storage is open again: service goes on', { data: this.data, downMs })
  }

  /** It could not be opened again. Told when the reason is another one than before. */
  notOpened(error: Error): void {
    const detail = error.message
    if (this.health.state === 'failed' && this.health.failure.detail === detail) return
    this.health = { state: 'failed', failure: { error: 'unavailable', detail } }
    const todo =
      error instanceof Damaged
        ? `stop the broker and see what is lost: dragoman check --data ${this.data}`
        : 'it is tried again by itself'
    this.log.error(`the storage cannot be opened again: ${todo}`, this.about(detail))
  }

  /** Something in the background that is tried again: a checkpoint, a settling; or damage that was met there. */
  trouble(error: Error): void {
    if (error instanceof Mended) {
      const means = 'stored bytes were damaged, and nothing is lost: they are there twice; the disk should be looked at'
      this.once(error.message, (again) => this.log.warn(means, { ...this.about(error.message), ...again }))
      return
    }
    const damaged = error instanceof Damaged
    const key = damaged ? `${error.file} ${error.position}` : kindOf(error)
    const means = damaged
      ? `stored bytes are damaged and left alone; see what is lost when the broker is stopped: dragoman check --data ${this.data}`
      : 'the storage has trouble in the background and tries again'
    this.once(key, (again) => this.log.warn(means, { ...this.about(error.message), ...again }))
  }

  /** Records that a reader could not have. */
  notRead({ error, records }: ReadTrouble): void {
    if (records === null) {
      const means = 'the disk does not give what is stored; whoever waits for it gets it when it does'
      this.once(`read ${kindOf(error)}`, (again) => this.log.error(means, { ...this.about(error.message), ...again }))
      return
    }
    const { namespace, partition, first, last } = records
    const log = records.log === null ? 'retained messages' : levelUtf8(plainNames.encode(records.log))
    const means = `stored messages are damaged: consumers go on behind them; see what is lost when the broker is stopped: dragoman check --data ${this.data}`
    this.once(`damaged ${namespace} ${log} ${partition}`, (again) =>
      this.log.error(means, { ...this.about(error.message), namespace, log, partition, first, last, ...again }),
    )
  }

  private once(key: string, tell: (again: Fields) => void): void {
    const now = this.clock.monotonic()
    const known = this.troubles.get(key)
    if (known !== undefined && now - known.toldAt < repeatMs) {
      known.times++
      return
    }
    if (known === undefined && this.troubles.size >= troublesMax) {
      this.troubles.delete(this.troubles.keys().next().value!)
    }
    this.troubles.set(key, { toldAt: now, times: 1 })
    tell(known === undefined ? {} : { times: known.times })
  }

  private about(detail: string): Fields {
    return { data: this.data, detail }
  }
}

/** The names of files that are tried again carry numbers that rise. */
const kindOf = (error: Error): string =>
  error instanceof DiskError
    ? `${error.kind} ${error.operation} ${error.path.replace(/\d+/g, '#')}`
    : error.message.replace(/\d+/g, '#')
