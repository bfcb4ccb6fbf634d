import { assert, Writer, type Failure } from '../../base/index.ts'
import type { Clock, CommitThread, Disk, Lock, Timers } from '../../world/index.ts'
import { entryKind, ownKinds } from '../frame/index.ts'
import type { SealedCommit } from '../journal/commit.ts'
import { Journal, type ActiveSegment, type JournalEnd } from '../journal/journal.ts'
import { Slots } from '../journal/slots.ts'
import { Tail } from '../journal/tail.ts'
import type { Spans } from '../span/host.ts'
import type {
  Bounds,
  ExtentFacts,
  Health,
  Machine,
  Payload,
  Store,
  StoredExtent,
  StoreMetrics,
} from '../store.ts'
import { Committer } from './committer.ts'
import type { StoreOptions } from './options.ts'
import type { Partitions } from './partitions.ts'
import { commitMsBounds } from './progress.ts'
import { Reading } from './reading.ts'
import { Retirement } from './retirement.ts'
import { HeldSegments, indexCommit } from './segments.ts'

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
}

/** Where the journal goes on after recovery. */
export interface JournalStart {
  end: JournalEnd
  active: ActiveSegment | null
  nextSeq: number
}

/** The store over a journal: see `Store`, whose comments are the contract. */
export class JournalStore implements Store {
  health: Health = { state: 'ok' }
  readonly committer: Committer
  readonly slots: Slots
  readonly journal: Journal
  readonly parts: StoreParts
  readonly retirement: Retirement
  private spans!: Spans
  private reading!: Reading
  private readonly body = new Writer(64)
  private readonly progressListeners: (() => void)[] = []
  private readonly healthListeners: ((health: Health) => void)[] = []
  private closing: Promise<void> | null = null

  constructor(parts: StoreParts, start: JournalStart) {
    const { disk, thread, timers, clock, options } = parts
    this.parts = parts
    const sync = options.durability === 'fsync'
    const { slotBytes, slotsAhead: ahead, slotsSpare: spare, reserveBytes } = options
    this.slots = new Slots(
      disk,
      thread,
      timers,
      { slotBytes, sync, ahead, spare, reserveBytes },
      (full) => this.setHealth(full ? { state: 'full', failure: fullFailure } : { state: 'ok' }),
      (error) => this.committer.fail(error),
    )
    this.journal = new Journal(thread, this.slots, options.frameBytesMax, this, start.end, start.active, start.nextSeq)
    this.committer = new Committer(this.journal, clock, timers, sync, this)
    this.retirement = new Retirement(this.slots, disk)
  }

  /** Second half of the construction: the spans need the store as their host. */
  begin(spans: Spans): void {
    const { partitions, held, tail } = this.parts
    this.spans = spans
    this.reading = new Reading(partitions, held, tail, this.committer, spans)
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

  private bytesBetween(partition: number, from: number, below: number): number {
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
    this.committer.staging.stageEntry(kind, object, body)
    this.committer.staged()
  }

  /** A hard entry of the store's own; resolves with its commit when that is durable. */
  async stageOwn(kind: number, object: number, body: Uint8Array): Promise<number> {
    this.stage(kind, object, body)
    const commit = this.staging
    this.hard()
    await this.committer.waiters.wait(commit)
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

  read(partition: number, from: number, upTo: number, bytesMax: number): StoredExtent[] | Promise<StoredExtent[]> {
    return this.reading.read(partition, from, upTo, bytesMax)
  }

  extents(partition: number, from: number, limit: number): ExtentFacts[] | Promise<ExtentFacts[]> {
    return this.reading.extents(partition, from, limit)
  }

  private setHealth(health: Health): void {
    if (this.health.state === 'failed' || this.health.state === health.state) return
    this.health = health
    for (const listener of this.healthListeners) listener(health)
  }

  // JournalEvents

  placed(commit: SealedCommit, segment: ActiveSegment, position: number, bodyFrom: number): void {
    const { held, tail, partitions, options } = this.parts
    const open = held.get(segment.seq) ?? held.begin(segment.seq, segment.slot)
    open.lastCommit = commit.number
    open.lastCommitTime = commit.timeMs
    tail.place(commit, segment.seq, position, bodyFrom)
    if (bodyFrom > 0) return
    indexCommit(open.index, commit, position, segment.segmentBytes, options.frameBytesMax, (partition, next) => {
      const found = partitions.find(partition)
      if (found !== undefined) found.placedNext = next
    })
    this.committer.sealed = null
  }

  sealed(segment: ActiveSegment): void {
    const open = this.parts.held.get(segment.seq)
    assert(open !== undefined, 'a segment is sealed after its first frame')
    open.endPosition = segment.position
    this.retirement.sealed(segment)
    this.adoptNext(open.segmentSeq)
  }

  /** Hands sealed segments to the spans, one after the other. */
  private adoptNext(segmentSeq: number): void {
    this.retirement.adopting = this.retirement.adopting.then(async () => {
      const { held } = this.parts
      const open = held.get(segmentSeq)
      if (open === undefined || open.adopted) return
      const { slot, endPosition, lastCommit, lastCommitTime, index } = open
      await this.spans.adopt({ segmentSeq, slot, endPosition, lastFrame: lastCommit, lastCommitTime, index })
      open.adopted = true
      held.forget()
    })
    this.retirement.adopting.catch((error: unknown) => this.committer.fail(error as Error))
  }

  // CommitterEvents

  between(): void {}

  progress(): void {
    const { active } = this.journal
    const open = active === null ? undefined : this.parts.held.get(active.seq)
    if (open !== undefined) open.endPosition = active!.position
    for (const listener of this.progressListeners) listener()
  }

  failed(error: Error): void {
    this.setHealth({ state: 'failed', failure: { error: 'unavailable', detail: error.message } })
  }

  close(): Promise<void> {
    this.closing ??= this.shut()
    return this.closing
  }

  private async shut(): Promise<void> {
    await this.spans.close()
    await this.committer.stop()
    await this.slots.close()
    await this.parts.thread.close()
    await this.parts.lock.release()
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
    }
  }
}

const none = Buffer.alloc(0)
const fullFailure: Failure = { error: 'full', detail: 'no space on the disk for another journal slot' }
