import { assert, Writer } from '../../base/index.ts'
import { DiskError, type Clock, type CommitThread, type Disk, type Lock, type Timers } from '../../world/index.ts'
import { owner, type CheckpointFooter } from '../checkpoint/index.ts'
import { entryKind, ownKinds } from '../frame/index.ts'
import type { SealedCommit } from '../journal/commit.ts'
import { syncFile } from '../journal/cut.ts'
import { Journal, type ActiveSegment, type JournalEnd, type Undecided } from '../journal/journal.ts'
import { slotPath, Slots } from '../journal/slots.ts'
import type { Tail } from '../journal/tail.ts'
import type { DurableStore, Snapshot } from '../snapshot.ts'
import type { Spans } from '../span/index.ts'
import type { Bounds, ExtentFacts, Health, Machine, Payload, StoreMetrics } from '../store.ts'
import { Adoption } from './adoption.ts'
import { Checkpoints } from './checkpoints.ts'
import { Committer } from './committer.ts'
import { allInTurn } from './in-turn.ts'
import type { StoreOptions } from './options.ts'
import type { Partitions } from './partitions.ts'
import { commitMsBounds } from './progress.ts'
import { Reading } from './reading.ts'
import type { Recovered, Survey } from './recovery.ts'
import { fullFailure, inMemory, StoreRefused } from '../refused.ts'
import { Retirement } from './retirement.ts'
import { indexCommit, placeOf, type HeldSegments } from './segments.ts'
import { Snapshots } from './snapshots.ts'
import type { EngineHost } from './span-host.ts'
import { takeSlots } from './take-slots.ts'

/** What the store stands on, made by `openStore`. */
export interface StoreParts {
  disk: Disk
  lock: Lock
  clock: Clock
  timers: Timers
  thread: CommitThread
  machine: Machine
  options: StoreOptions
  partitions: Partitions
  held: HeldSegments
  tail: Tail
  undecided: Undecided
  /** No disk: nothing is recovered, so there are no checkpoints. */
  memory: boolean
}

/** The store over a journal: see `Store`, whose comments are the contract. */
export class JournalStore implements DurableStore {
  health: Health = { state: 'ok' }
  staged = 0
  readonly committer: Committer
  readonly slots: Slots
  readonly journal: Journal
  readonly parts: StoreParts
  readonly retirement: Retirement
  readonly checkpoints: Checkpoints
  private readonly snapshots: Snapshots
  private readonly adoption: Adoption
  private readonly spans: Spans
  private readonly reading: Reading
  private readonly host: EngineHost
  /** Segments with commits that are written and not synced (`durability: os`). */
  private unsynced = new Set<number>()
  private readonly body = new Writer(64)
  private readonly progressListeners: (() => void)[] = []
  private readonly healthListeners: ((health: Health) => void)[] = []
  private closing: Promise<void> | null = null
  /** Rejects when the start finds no space, or fails: nobody waits for what was never open. */
  private readonly refused: Promise<never>
  private refuse: (error: Error) => void = () => undefined

  constructor(
    parts: StoreParts,
    end: JournalEnd,
    active: ActiveSegment | null,
    spans: Spans,
    host: EngineHost,
    found: Pick<Survey, 'checkpoints' | 'nextCheckpoint'>,
  ) {
    const { disk, thread, timers, clock, options, partitions, held, tail, machine } = parts
    this.parts = parts
    this.refused = new Promise((_, reject) => (this.refuse = reject))
    this.refused.catch(() => undefined) // Only `start` waits for it.
    this.spans = spans
    this.host = host
    const sync = options.durability === 'fsync'
    const { slotBytes, slotsAhead: ahead, slotsSpare: spare, reserveBytes, largeFrameBytes } = options
    this.slots = new Slots(
      disk,
      thread,
      timers,
      { slotBytes, sync, ahead, spare, reserveBytes, largeFrameBytes },
      {
        full: (full) => this.slotsFull(full),
        stuck: () => this.endIfStuck(),
        trouble: (error) => host.report(error),
        failed: (error) => this.committer.fail(error),
      },
    )
    this.journal = new Journal(
      thread,
      this.slots,
      options.frameBytesMax,
      sync,
      this,
      end,
      active,
      (active?.seq ?? 0) + 1,
      parts.undecided,
    )
    this.committer = new Committer(this.journal, clock, timers, { sync, largeBytes: options.largeCommitBytes }, this)
    this.retirement = new Retirement(
      this.slots,
      (segmentSeq, slot) => {
        host.forgetSegment(segmentSeq)
        return spans.forgetSlot(slot)
      },
      () => this.checkpoints.press(),
    )
    this.reading = new Reading(partitions, held, tail, this.committer, spans)
    const sources = [
      { owner: owner.partitions, checkpoint: partitions.checkpoint.bind(partitions) },
      { owner: owner.machine, checkpoint: machine.checkpoint.bind(machine) },
      { owner: owner.spans, checkpoint: spans.checkpoint.bind(spans) },
    ]
    const { checkpoints, nextCheckpoint } = found
    this.checkpoints = new Checkpoints(disk, clock, timers, sources, this, options, checkpoints, nextCheckpoint)
    this.adoption = new Adoption(held, spans, timers, {
      over: () => this.committer.failed || this.closing !== null,
      sync: (segmentSeq) => this.syncSegment(segmentSeq),
      troubled: (error) => this.backgroundFailed(error),
      fail: (error) => this.committer.fail(error),
    })
    const { checkpoints: kept, journal, retirement } = this
    this.snapshots = new Snapshots({ disk, journal, spans, host, checkpoints: kept, retirement })
    host.store = this
  }

  /** Takes over the slots that were found, writes the FENCE, and hands late segments to the spans. */
  async start(found: Survey, recovered: Recovered): Promise<void> {
    const { held, memory, machine, options } = this.parts
    const { slots, retirement, spans } = this
    const older = found.checkpoints[1]
    if (memory) retirement.setFloor(Infinity, Infinity)
    else if (older !== undefined) this.retired(older)
    const activeSeq = this.journal.active?.seq ?? 0
    await takeSlots({ slots, retirement, spans, held, activeSeq, slotBytes: options.slotBytes }, found)
    machine.recovered()
    const { expected, scanSegment } = recovered
    this.checkpoints.replayed(expected.lsn - (found.segments.get(scanSegment)?.header.startLsn ?? expected.lsn))
    // Before the segment that was active: where that is full, the FENCE seals it.
    for (const { segmentSeq } of held.list) {
      const late = segmentSeq > this.spans.adoptedThrough && segmentSeq < (recovered.active?.segmentSeq ?? 0)
      if (late) this.adoption.queue(segmentSeq)
    }
    await Promise.race([this.committer.fence(), this.refused])
    this.endUnlike(recovered)
    for (const segment of held.list) {
      this.host.endOfSegment.set(segment.segmentSeq, segment.endPosition)
      if (segment.segmentSeq <= this.spans.adoptedThrough) segment.adopted = true
    }
    held.forget()
    this.adoption.begin()
    this.spans.begin()
  }

  /** Where the bytes of a commit lie follows from the sizes of slots and frames: no commit crosses a change of them. */
  private endUnlike({ active }: Recovered): void {
    const { slotBytes, frameBytesMax } = this.parts.options
    const now = this.journal.active
    if (active === null || now === null || now.seq !== active.segmentSeq) return
    const { header } = active
    if (header.segmentBytes !== slotBytes || header.frameBytesMax !== frameBytesMax) now.segmentBytes = now.position
  }

  get staging(): number {
    return this.committer.staging.number
  }
  get written(): number {
    return this.committer.written
  }
  get durable(): number {
    return this.committer.durable
  }
  get stagedBytes(): number {
    return this.committer.stagedBytes
  }

  createPartition(partition: number): void {
    assert(this.parts.partitions.find(partition) === undefined, `partition ${partition} exists`)
    this.parts.partitions.create(partition)
    this.stage(entryKind.createPartition, partition, none)
  }

  dropPartition(partition: number): void {
    this.parts.partitions.get(partition)
    this.parts.partitions.drop(partition)
    this.spans.dropped(partition)
    this.stage(entryKind.dropPartition, partition, none)
  }

  bounds(partition: number): Bounds {
    const { start, next, bytes } = this.parts.partitions.get(partition)
    return { start, next, bytes }
  }

  stagePayload(bytes: Uint8Array): Payload {
    return this.committer.staging.stagePayload(bytes)
  }

  stageExtent(partition: number, extent: ExtentFacts, payload: Payload): void {
    this.staged++
    this.parts.partitions.append(partition, extent.baseOffset, extent.count, payload.bytes)
    this.committer.staging.stageExtent(partition, extent, payload)
    this.committer.staged()
  }

  stageTrim(partition: number, start: number): void {
    const found = this.parts.partitions.get(partition)
    const bytes = start >= found.next ? found.bytes : this.bytesBetween(partition, found.start, start)
    this.parts.partitions.trim(partition, start, bytes)
    this.body.reset()
    this.body.uvarint(start)
    this.body.uvarint(bytes)
    this.stage(entryKind.trim, partition, this.body.view())
  }

  bytesBetween(partition: number, from: number, below: number): number {
    const { held } = this.parts
    const firstHeld = held.firstOffset(partition)
    let bytes = held.bytesBetween(partition, from, below)
    if (from < firstHeld && this.spans.nextOffset(partition) > from) {
      bytes += this.spans.bytesFrom(partition, from) - this.spans.bytesFrom(partition, Math.min(below, firstHeld))
    }
    return Math.max(0, Math.round(bytes))
  }

  stageEntry(kind: number, object: number, body: Uint8Array): void {
    assert(kind >= 0 && kind < ownKinds, 'kinds from 64 on are the store’s')
    this.stage(kind, object, body)
  }

  private stage(kind: number, object: number, body: Uint8Array): void {
    if (kind !== entryKind.checkpoint) this.staged++
    this.committer.staging.stageEntry(kind, object, body)
    this.committer.staged()
  }

  /** A hard entry of the store's own; resolves with its commit when that is durable. */
  async stageOwn(kind: number, object: number, body: Uint8Array): Promise<number> {
    this.stage(kind, object, body)
    const commit = this.staging
    this.hard()
    await this.synced(commit)
    return commit
  }

  hard(): void {
    this.committer.hard()
  }

  onProgress(listener: () => void): void {
    this.progressListeners.push(listener)
  }

  onHealth(listener: (health: Health) => void): void {
    this.healthListeners.push(listener)
  }

  readonly read: DurableStore['read'] = (...terms) => this.reading.read(...terms)

  readonly pace: DurableStore['pace'] = (reads) => this.spans.pace(reads)

  extents(partition: number, from: number, limit: number): ExtentFacts[] | Promise<ExtentFacts[]> {
    return this.reading.extents(partition, from, limit)
  }

  snapshot(): Promise<Snapshot> {
    if (this.parts.memory) return Promise.reject(new StoreRefused(inMemory))
    const taken = this.snapshots.take()
    this.hard()
    return taken
  }

  private slotsFull(full: boolean): void {
    if (full) this.snapshots.refuse(fullFailure)
    else if (!this.committer.failed && this.closing === null) this.snapshots.allow()
    this.setHealth(full ? { state: 'full', failure: fullFailure } : { state: 'ok' })
    if (full && this.slots.starved) this.refuse(new StoreRefused(fullFailure))
    if (full) this.checkpoints.press()
  }

  private setHealth(health: Health): void {
    if (this.health.state === 'failed' || this.health.state === health.state) return
    this.health = health
    for (const listener of this.healthListeners) listener(health)
  }

  // JournalEvents

  placed(commit: SealedCommit, segment: ActiveSegment, position: number, bodyFrom: number): void {
    const { held, tail, partitions, options } = this.parts
    let open = held.get(segment.seq)
    if (open === undefined) {
      open = held.begin(segment.seq, segment.slot)
      this.host.slotOfSegment.set(segment.seq, segment.slot)
    }
    if (options.durability === 'os') this.unsynced.add(segment.seq)
    open.lastCommit = commit.number
    open.lastCommitTime = commit.timeMs
    if (bodyFrom > 0 || !this.committer.placed(commit)) return
    const { segmentBytes } = segment
    const { frameBytesMax } = options
    tail.place(commit, segment.seq, placeOf(commit, position, segmentBytes, frameBytesMax))
    indexCommit(open.index, commit, position, segmentBytes, frameBytesMax, (partition, next) => {
      const found = partitions.find(partition)
      if (found !== undefined) found.placedNext = next
    })
  }

  sealed(segment: ActiveSegment): void {
    const open = this.parts.held.get(segment.seq)
    assert(open !== undefined, 'a segment is sealed after its first frame')
    open.endPosition = segment.position
    this.host.endOfSegment.set(segment.seq, segment.position)
    segment.file.close().catch((error: unknown) => this.committer.fail(error as Error))
    this.adoption.queue(open.segmentSeq)
  }

  neverWas({ seq }: ActiveSegment): void {
    this.parts.held.remove(seq)
    this.host.forgetSegment(seq)
  }

  /** Nothing that was acknowledged depends on it, and it is tried again. */
  private async backgroundFailed(error: Error): Promise<void> {
    if (this.committer.failed) return
    this.host.report(error)
    if (error instanceof DiskError && error.kind === 'full') await this.slots.giveUpOne()
  }

  // CheckpointHost

  get end(): JournalEnd {
    return this.journal.end
  }

  get journalBytes(): number {
    return this.journal.writtenBytes
  }

  checkpointFailed(error: Error): void {
    this.backgroundFailed(error).catch((failure: unknown) => this.host.report(failure as Error))
  }

  get pressed(): boolean {
    return this.slots.full && this.slotsWait
  }

  get slotsWait(): boolean {
    return this.retirement.waiting
  }

  settledCommit(): number | null {
    return this.committer.staging.empty ? this.staging - 1 : null
  }

  scanSegment(): number {
    const late = this.parts.held.list.find((segment) => !segment.adopted)
    return late?.segmentSeq ?? this.journal.segmentSeq
  }

  async synced(commit: number): Promise<void> {
    if (this.durable >= commit) return
    if (this.parts.options.durability === 'fsync') return this.committer.waiters.wait(commit)
    if (this.written < commit) await this.committer.writers.wait(commit)
    await this.syncWritten(commit)
  }

  /** `durability: os`: what has been written goes to the disk now. */
  private async syncWritten(commit: number): Promise<void> {
    if (this.durable >= commit) return
    const written = this.written
    for (const segmentSeq of [...this.unsynced]) await this.syncSegment(segmentSeq)
    this.committer.synced(written)
  }

  private async syncSegment(segmentSeq: number): Promise<void> {
    const segment = this.parts.held.get(segmentSeq)
    if (segment === undefined || !this.unsynced.has(segmentSeq)) return
    // What is written to it while it is synced may miss this sync.
    const growing = segmentSeq === this.journal.active?.seq
    try {
      await syncFile(this.parts.disk, slotPath(segment.slot))
    } catch (error) {
      // What a failed sync has lost stays lost: a second one would say that all is well.
      this.committer.fail(error as Error)
      throw error
    }
    if (!growing) this.unsynced.delete(segmentSeq)
  }

  async name(footer: CheckpointFooter): Promise<void> {
    const body = new Writer(32)
    body.uvarint(footer.beginCommit)
    body.uvarint(footer.beginFrame)
    body.uvarint(footer.scanSegment)
    await this.stageOwn(entryKind.checkpoint, footer.number, body.view())
  }

  retired(older: CheckpointFooter): void {
    this.retirement.setFloor(older.scanSegment, older.beginCommit)
  }

  // CommitterEvents

  between(sealed: SealedCommit): void {
    this.snapshots.sealed(sealed.number)
    if (!this.parts.memory) this.checkpoints.between(sealed.number)
  }

  progress(): void {
    const { active } = this.journal
    const open = active === null ? undefined : this.parts.held.get(active.seq)
    if (open !== undefined) open.endPosition = active!.position
    // What is written is all there is.
    if (this.committer.idling) this.snapshots.sealed(this.written)
    this.snapshots.written(this.written)
    if (active !== null && (active.seq > 1 || active.position > active.segmentBytes / 4)) this.slots.prepare()
    for (const listener of this.progressListeners) listener()
  }

  failed(error: Error): void {
    this.refuse(error)
    this.snapshots.refuse({ error: 'unavailable', detail: error.message })
    if (this.closing !== null) return
    this.setHealth({ state: 'failed', failure: { error: 'unavailable', detail: error.message } })
  }

  close(): Promise<void> {
    this.closing ??= this.shut()
    return this.closing
  }

  private async shut(): Promise<void> {
    const { lock } = this.parts
    this.snapshots.refuse({ error: 'unavailable', detail: 'the store is closed' })
    await allInTurn([
      () => this.spans.close(),
      () => this.endIfStuck(),
      () => this.checkpoints.close(),
      () => this.committer.stop(),
      () => (this.committer.failed ? undefined : this.syncWritten(this.written)),
      ...this.lettingGo(),
      () => lock.release(),
    ])
  }

  /** It could not be started: nothing of it stays open but the folder's lock. */
  async abandon(): Promise<void> {
    await allInTurn(this.lettingGo()).catch(() => undefined)
  }

  /** The thread goes before the file that it may still be writing to: the number of that is another's as soon as it is closed. */
  private lettingGo(): (() => unknown)[] {
    return [() => this.slots.close(), () => this.parts.thread.close(), () => this.journal.active?.file.close()]
  }

  /** A commit that waits for space was never acknowledged, and who closes would wait for as long as the disk is full. */
  private endIfStuck(): void {
    if (this.closing !== null && this.slots.stuck) this.committer.fail(new StoreRefused(fullFailure))
  }

  metrics(): StoreMetrics {
    const { times } = this.committer
    const { settledBytes, liveBytes, diskBytes, cacheBytes } = this.spans.metrics()
    return {
      commits: times.count,
      commitMs: { bounds: commitMsBounds, counts: times.counts, sum: times.sumMs },
      journalBytes: this.journal.writtenBytes,
      settledBytes,
      liveBytes,
      diskBytes: diskBytes + this.slots.count * this.parts.options.slotBytes,
      cacheBytes: cacheBytes + this.parts.tail.bytes,
      snapshots: this.snapshots.count,
      snapshotBytes: this.snapshots.goneBytes + this.retirement.heldSlots * this.parts.options.slotBytes,
    }
  }
}

const none = Buffer.alloc(0)
