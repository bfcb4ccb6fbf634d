import { assert } from '../../base/index.ts'
import type { Clock, DiskError, Timer, Timers } from '../../world/index.ts'
import { frameKind } from '../frame/index.ts'
import { bodyBytesOf, type SealedCommit } from '../journal/commit.ts'
import { emptyCommit, type Journal } from '../journal/journal.ts'
import { Staging } from '../journal/staging.ts'
import { CommitTimes, Waiters } from './progress.ts'

/** How often it is looked whether soft entries have waited, or nothing was written: half of what C5 allows. */
const softTickMs = 25
const idleMs = 100
const softBytesMax = 64 * 1024

export interface CommitterEvents {
  /** Between two commits: the one just sealed holds all that was staged, nothing of the next is. */
  between(sealed: SealedCommit): void
  progress(): void
  failed(error: Error): void
}

/**
 * Group commit: what everybody staged goes as one commit, and while it is on its way the next one fills. A *hard* entry
 * starts one at the end of the turn, or when the one in flight is done; *soft* ones ride along, or go after 50 ms. One
 * that has grown large is handed over behind the one in flight: more company would gain nothing, and the thread need not
 * wait for the loop.
 */
export class Committer {
  readonly staging: Staging
  written: number
  durable: number
  failed = false
  readonly times = new CommitTimes()
  /** Those who wait until a commit is durable, and until it is written. */
  readonly waiters = new Waiters()
  readonly writers = new Waiters()
  /** Bytes that came in from outside since the start. */
  ingestedBytes = 0
  /** Commits on their way that have no place yet, in their order: their extents are in no index. */
  readonly sealed: SealedCommit[] = []
  private flightBytes = 0
  private frameMs = 0
  private readonly journal: Journal
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly sync: boolean
  private readonly largeBytes: number
  private readonly events: CommitterEvents
  private wanted = false
  private turnAhead = false
  private softTimer: Timer | null = null
  private softSeen = 0
  private idleTimer: Timer | null = null
  private idleSeen = 0
  private idleWritten = 0
  private stopped: (() => void) | null = null

  /** `largeBytes`: from so many on a commit is handed over behind another. */
  constructor(
    journal: Journal,
    clock: Clock,
    timers: Timers,
    { sync, largeBytes }: { sync: boolean; largeBytes: number },
    events: CommitterEvents,
  ) {
    this.journal = journal
    this.clock = clock
    this.timers = timers
    this.sync = sync
    this.largeBytes = largeBytes
    this.events = events
    this.written = this.durable = journal.end.commit
    this.staging = new Staging(journal.end.commit + 1)
  }

  /** Bytes staged and not written: what back-pressure is measured by (P6). */
  get stagedBytes(): number {
    return this.staging.bytes + this.flightBytes
  }

  /** To be called after each entry: the soft ones must go, too. */
  staged(): void {
    if (this.wanted) return
    if (this.staging.bytes > softBytesMax) return this.hard()
    if (this.softTimer === null) this.armSoft()
  }

  private armSoft(): void {
    this.softSeen = this.staging.number
    this.softTimer = this.timers.after(softTickMs, () => {
      this.softTimer = null
      if (this.staging.empty) return
      if (this.staging.number === this.softSeen) this.hard()
      else this.armSoft()
    })
  }

  hard(): void {
    this.wanted = true
    if (!this.turnAhead && this.mayGo) this.atEndOfTurn()
  }

  /** Nothing is staged and nothing on its way. */
  get idling(): boolean {
    return this.staging.empty && this.journal.waiting === 0
  }

  private get mayGo(): boolean {
    const { waiting } = this.journal
    return waiting === 0 || (waiting === 1 && this.staging.bytes >= this.largeBytes)
  }

  private atEndOfTurn(): void {
    if (this.turnAhead) return
    this.turnAhead = true
    this.timers.endOfTurn(() => {
      this.turnAhead = false
      if (this.wanted && this.mayGo && !this.failed) this.commit()
    })
  }

  private commit(): void {
    this.wanted = false
    if (this.staging.empty) return this.skip()
    const sealed = this.staging.seal(this.frameTime())
    this.sealed.push(sealed)
    this.flightBytes += bodyBytesOf(sealed)
    this.ingestedBytes += sealed.payload.bytes
    const started = this.clock.monotonic()
    this.events.between(sealed)
    this.journal.write(sealed, frameKind.data, (error) => this.done(sealed, started, error))
  }

  /** It never goes back, though the clock may, and the frame before may still be on its way. */
  private frameTime(): number {
    this.frameMs = Math.max(this.frameMs, this.journal.end.timeMs, this.clock.now())
    return this.frameMs
  }

  /** Whether it had no place before. */
  placed(commit: SealedCommit): boolean {
    if (this.sealed[0] !== commit) return false
    this.sealed.shift()
    return true
  }

  /** Somebody waits for a commit without entries: it is as durable as the one before. */
  private skip(): void {
    const number = this.staging.number++
    this.written = number
    if (this.sync || this.durable === number - 1) this.durable = number
    this.reached()
  }

  private done(sealed: SealedCommit, started: number, error: DiskError | null): void {
    if (error !== null) {
      this.flightBytes = this.sealed.length = 0
      return this.fail(error)
    }
    this.flightBytes -= bodyBytesOf(sealed)
    this.times.add(this.clock.monotonic() - started)
    this.written = sealed.number
    if (this.sync) this.durable = sealed.number
    this.reached()
    if (this.idleTimer === null) this.armIdle()
  }

  private reached(): void {
    this.writers.reached(this.written)
    this.waiters.reached(this.durable)
    this.events.progress()
    this.next()
  }

  private next(): void {
    if (this.wanted && this.mayGo) this.atEndOfTurn()
    else if (this.stopped !== null && !this.wanted && this.idling) this.stopped()
  }

  /** Everything up to `commit` has been synced by other means. */
  synced(commit: number): void {
    if (commit <= this.durable) return
    this.durable = commit
    this.waiters.reached(commit)
    this.events.progress()
  }

  fail(error: Error): void {
    if (this.failed) return
    this.failed = true
    this.softTimer?.cancel()
    this.idleTimer?.cancel()
    this.waiters.fail(error)
    this.writers.fail(error)
    this.events.failed(error)
    this.stopped?.()
  }

  private armIdle(): void {
    this.idleSeen = this.journal.end.number
    this.idleTimer = this.timers.after(idleMs, () => {
      this.idleTimer = null
      if (this.failed || this.stopped !== null || this.journal.end.number === this.idleWritten) return
      if (this.journal.waiting > 0 || this.journal.end.number !== this.idleSeen) return this.armIdle()
      this.idle(() => undefined)
    })
  }

  /** An IDLE frame: from now on damage to the last commit cannot pass for a torn tail. */
  private idle(then: () => void): void {
    const { end } = this.journal
    const frame = emptyCommit(end.commit, this.frameTime())
    this.journal.write(frame, frameKind.idle, (error) => {
      if (error !== null) return this.fail(error)
      this.idleWritten = this.journal.end.number
      then()
      this.next()
    })
  }

  /** The first frame of an epoch: after it, what was found at the start cannot be taken for a torn tail. */
  async fence(): Promise<void> {
    const { end } = this.journal
    const frame = emptyCommit(end.commit, this.frameTime())
    const error = await new Promise<Error | null>((resolve) => this.journal.write(frame, frameKind.fence, resolve))
    if (error !== null) throw error
    this.next()
  }

  /** Commits what is staged, then writes the last frame. Resolves also when the store has failed. */
  async stop(): Promise<void> {
    if (this.failed) return
    await new Promise<void>((resolve) => {
      this.stopped = resolve
      if (!this.staging.empty) this.hard()
      else this.next()
    })
    this.softTimer?.cancel()
    this.idleTimer?.cancel()
    await this.lastFrame()
  }

  private async lastFrame(): Promise<void> {
    if (this.failed || this.journal.end.number === this.idleWritten) return
    assert(this.journal.waiting === 0, 'stopped between two commits')
    await new Promise<void>((resolve) => {
      this.stopped = resolve
      this.idle(resolve)
    })
  }
}
