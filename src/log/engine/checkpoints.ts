import type { Clock, Disk, Timer, Timers } from '../../world/index.ts'
import { checkpointPaths, checkpointVersion, CheckpointWriter, type CheckpointFooter } from '../checkpoint/index.ts'
import type { JournalEnd } from '../journal/journal.ts'
import type { CheckpointPart } from '../store.ts'

/** How much state is written between two commits (F8), and how much may wait for the disk. */
const stepBytes = 64 * 1024
const backlogBytesMax = 1024 * 1024
const idleStepMs = 5
const basesMax = 16
/** Between rounds while the disk is full, and after one that failed. */
const pressedMs = 250
const failedMs = 2000

export interface CheckpointSource {
  owner: number
  checkpoint(round: number, full: boolean): CheckpointPart | null
}

export interface CheckpointHost {
  readonly end: JournalEnd
  readonly journalBytes: number
  /** The commit that holds all that the objects' states contain now; null while part of a commit is staged. */
  settledCommit(): number | null
  /** The oldest segment that replay must read when it begins now. */
  scanSegment(): number
  /** Resolves when the commit is on the disk, whatever the durability of commits is. */
  synced(commit: number): Promise<void>
  /** Stages the entry that names the checkpoint; resolves when that is durable. */
  name(footer: CheckpointFooter): Promise<void>
  /** A round failed; it is tried again, and until then the journal keeps what it would have held. */
  checkpointFailed(error: Error): void
  /** Entries staged since the start, but for those that name checkpoints. */
  readonly staged: number
  /** Slots wait for a checkpoint only. */
  readonly slotsWait: boolean
  /** The disk is full, and a checkpoint would free space. */
  readonly pressed: boolean
  /** Recovery will never read before the beginning of this one any more. */
  retired(older: CheckpointFooter): void
}

export interface CheckpointHold {
  /** Null: there was none yet. */
  footer: CheckpointFooter | null
}

interface Round {
  writer: CheckpointWriter
  full: boolean
  number: number
  source: number
  stamp: number
  begin: Pick<CheckpointFooter, 'beginCommit' | 'beginFrame' | 'chain' | 'scanSegment'>
}

/** Trickled checkpoints: a little state between two commits, to a file of its own in the background (F8). */
export class Checkpoints {
  private readonly disk: Disk
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly sources: CheckpointSource[]
  private readonly host: CheckpointHost
  private readonly limits: { checkpointBytes: number; checkpointMs: number }
  /** Newest first, at most two. */
  private kept: CheckpointFooter[]
  private nextNumber: number
  private round: Round | null = null
  private finishing: Promise<void> | null = null
  private mustBeFull = true
  /** There was no space to keep all of the newest one twice. */
  private single = false
  /** `CheckpointHost.staged` when the last round began. */
  private lastStaged: number
  private lastBytes = 0
  private lastMs: number
  private timer: Timer | null = null
  /** After a round that failed. */
  private restUntilMs = -Infinity
  private closed = false
  /** Those that a snapshot reads, the newest of their time. */
  private readonly holds = new Set<CheckpointHold>()
  /** Files below this number are gone or wanted. */
  private removedBelow: number

  constructor(
    disk: Disk,
    clock: Clock,
    timers: Timers,
    sources: CheckpointSource[],
    host: CheckpointHost,
    limits: { checkpointBytes: number; checkpointMs: number },
    kept: CheckpointFooter[],
    nextNumber: number,
  ) {
    this.disk = disk
    this.clock = clock
    this.timers = timers
    this.sources = sources
    this.host = host
    this.limits = limits
    this.kept = kept
    this.nextNumber = nextNumber
    this.lastStaged = host.staged
    this.lastMs = clock.monotonic()
    this.removedBelow = Math.min(nextNumber, ...kept.flatMap((footer) => [footer.number, ...footer.bases]))
  }

  /** So many bytes of journal were replayed: they count, or one short life after the other would make replay longer. */
  replayed(bytes: number): void {
    this.lastBytes = this.host.journalBytes - bytes
  }

  /** Between two commits: all that is staged is in commit `commit`. */
  between(commit: number): void {
    if (this.closed || this.finishing !== null) return
    if (this.round !== null) return this.step(this.round, commit)
    if (this.due()) this.begin(commit)
    else this.wakeAfter(this.restMs)
  }

  /** Space is short, and slots wait for checkpoints: nobody waits for the clock, or for somebody to commit. */
  press(): void {
    if (!this.host.pressed || this.round !== null || this.finishing !== null) return
    this.timer?.cancel()
    this.timer = null
    this.wakeAfter(this.restMs)
  }

  private get restMs(): number {
    const left = this.restUntilMs - this.clock.monotonic()
    return Math.max(left, this.host.pressed ? pressedMs : this.limits.checkpointMs)
  }

  private due(): boolean {
    const now = this.clock.monotonic()
    // What names a checkpoint is a commit, too: an idle store would write one for it, and so on.
    if (this.host.staged === this.lastStaged && !this.host.slotsWait) return false
    if (now < this.restUntilMs) return false
    const bytes = this.host.journalBytes - this.lastBytes
    const passedMs = now - this.lastMs
    if (bytes >= this.limits.checkpointBytes || passedMs >= this.limits.checkpointMs) return true
    return this.host.pressed && passedMs >= pressedMs
  }

  /** Without commits nobody calls `between`. */
  private wakeAfter(ms: number): void {
    if (this.timer !== null || this.closed) return
    this.timer = this.timers.after(ms, () => {
      this.timer = null
      const commit = this.host.settledCommit()
      if (commit !== null) this.between(commit)
      else if (this.round !== null) this.wakeAfter(idleStepMs)
    })
  }

  private begin(commit: number): void {
    this.timer?.cancel()
    this.timer = null
    const newest = this.kept[0]
    const dead = newest === undefined ? 0 : newest.bytes - newest.fullBytes
    const again = this.mustBeFull || (this.single && !this.host.pressed)
    const full = again || dead > newest!.fullBytes / 2 || newest!.bases.length >= basesMax
    this.mustBeFull = false
    const { end } = this.host
    const begin = {
      beginCommit: commit,
      beginFrame: end.number,
      chain: Buffer.from(end.chain),
      scanSegment: this.host.scanSegment(),
    }
    const number = this.nextNumber++
    this.lastBytes = this.host.journalBytes
    this.lastMs = this.clock.monotonic()
    this.lastStaged = this.host.staged
    this.round = { writer: new CheckpointWriter(this.disk, number), full, number, source: 0, stamp: commit, begin }
    this.step(this.round, commit)
  }

  private step(round: Round, commit: number): void {
    const { writer } = round
    const end = writer.bytes + stepBytes
    round.stamp = commit
    while (writer.backlog < backlogBytesMax && writer.bytes < end) {
      const source = this.sources[round.source]
      if (source === undefined) {
        this.round = null
        this.finishing = this.finish(round).catch((error: unknown) => this.abandoned(round, error as Error))
        return
      }
      const part = source.checkpoint(round.number, round.full)
      if (part === null) round.source++
      else writer.add(source.owner, part.object, part.part, commit, part.state)
    }
    this.wakeAfter(idleStepMs)
  }

  private async finish(round: Round): Promise<void> {
    const { writer, full, number } = round
    const newest = this.kept[0]
    const bytes = writer.bytes
    const footer: CheckpointFooter = {
      ...round.begin,
      version: checkpointVersion,
      number,
      endCommit: round.stamp,
      journalId: this.host.end.journalId,
      bases: full ? [] : [newest!.number, ...newest!.bases],
      records: writer.records,
      bytes: full ? bytes : newest!.bytes + bytes,
      fullBytes: full ? bytes : newest!.fullBytes,
    }
    await writer.finish(footer)
    // It holds states of commits up to the stamp: without them in the journal it would be a lie.
    await this.host.synced(round.stamp)
    await writer.publish()
    await this.host.name(footer)
    this.single = writer.single || (this.single && !full)
    this.kept = [footer, ...this.kept].slice(0, 2)
    if (this.kept.length === 2) this.host.retired(this.kept[1]!)
    await this.removeOld()
    this.finishing = null
    this.wakeAfter(this.restMs)
  }

  /** The newest one; its files stay until `unhold`, and go with the next round after that. */
  hold(): CheckpointHold {
    const hold = { footer: this.kept[0] ?? null }
    this.holds.add(hold)
    return hold
  }

  unhold(hold: CheckpointHold): void {
    this.holds.delete(hold)
  }

  private async removeOld(): Promise<void> {
    const held = [...this.holds].flatMap(({ footer }) => footer ?? [])
    const wanted = new Set([...this.kept, ...held].flatMap((footer) => [footer.number, ...footer.bases]))
    const oldest = Math.min(...wanted)
    for (let number = this.removedBelow; number < this.kept[0]!.number; number++) {
      if (wanted.has(number)) continue
      for (const path of checkpointPaths(number)) await this.disk.remove(path)
    }
    this.removedBelow = oldest
  }

  /** The next round must write everything that this one took. */
  private async abandoned(round: Round, error: Error): Promise<void> {
    this.mustBeFull = true
    this.lastStaged = -1
    this.restUntilMs = this.clock.monotonic() + failedMs
    await round.writer.abandon().catch(() => undefined)
    this.finishing = null
    if (!this.closed) this.host.checkpointFailed(error)
    this.wakeAfter(this.restMs)
  }

  async close(): Promise<void> {
    this.closed = true
    this.timer?.cancel()
    if (this.round !== null) await this.round.writer.abandon().catch(() => undefined)
    await this.finishing
  }
}
