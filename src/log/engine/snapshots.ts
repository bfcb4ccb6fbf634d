import type { Failure } from '../../base/index.ts'
import type { Disk } from '../../world/index.ts'
import { checkpointPaths } from '../checkpoint/index.ts'
import type { Journal } from '../journal/journal.ts'
import { slotPath } from '../journal/slots.ts'
import type { Snapshot, SnapshotFile } from '../snapshot.ts'
import { adopted, spanPath, type SpanHold, type Spans } from '../span/index.ts'
import type { CheckpointHold, Checkpoints } from './checkpoints.ts'
import { StoreRefused } from '../refused.ts'
import type { Retirement, SegmentHold } from './retirement.ts'
import type { EngineHost } from './span-host.ts'

export interface SnapshotRoom {
  disk: Disk
  journal: Journal
  spans: Spans
  host: EngineHost
  checkpoints: Checkpoints
  retirement: Retirement
}

interface Asked {
  resolve: (snapshot: Promise<Snapshot>) => void
  reject: (error: Error) => void
}

/** What is kept from the moment on when all that is staged was sealed as commit `commit`. */
interface Held {
  commit: number
  checkpoint: CheckpointHold
  spans: SpanHold
  segments: SegmentHold
}

/**
 * Snapshots of a store that goes on. The state in memory runs ahead of the journal; the two are the same for a moment
 * when a commit was sealed. What must stay is held then, and when that commit is written it is known how far each file
 * goes. So a snapshot costs one commit and no copy, and what it keeps from use is never more than the snapshot itself.
 */
export class Snapshots {
  private readonly room: SnapshotRoom
  private asked: Asked[] = []
  private held: (Held & Asked)[] = []
  private readonly open = new Set<OpenSnapshot>()
  private refusal: Failure | null = null

  constructor(room: SnapshotRoom) {
    this.room = room
  }

  get count(): number {
    return this.open.size
  }

  /** Of spans that are not wanted any more and only kept for a snapshot. */
  get goneBytes(): number {
    return Math.max(0, ...[...this.open].map(({ held }) => held.spans.goneBytes()))
  }

  /** Of the next commit, which the caller starts. Rejects with `StoreRefused`. */
  take(): Promise<Snapshot> {
    if (this.refusal !== null) return Promise.reject(new StoreRefused(this.refusal))
    return new Promise((resolve, reject) => this.asked.push({ resolve, reject }))
  }

  /** All that is staged is in commit `commit`, and nothing of the next one is. */
  sealed(commit: number): void {
    if (this.asked.length === 0) return
    const { checkpoints, spans, retirement } = this.room
    for (const asked of this.asked) {
      const checkpoint = checkpoints.hold()
      const segments = { from: checkpoint.footer?.scanSegment ?? 1, through: Infinity }
      retirement.hold(segments)
      this.held.push({ ...asked, commit, checkpoint, spans: spans.hold(), segments })
    }
    this.asked = []
  }

  /** Commit `commit` is written, and no frame after it. */
  written(commit: number): void {
    if (this.held.length === 0) return
    const reached = this.held.filter((each) => each.commit <= commit)
    this.held = this.held.filter((each) => each.commit > commit)
    for (const each of reached) each.resolve(this.cut(each))
  }

  private async cut(held: Held): Promise<Snapshot> {
    const files = filesOf(this.room, held)
    const { disk, journal } = this.room
    const { commit } = journal.end
    const journalId = Buffer.from(journal.end.journalId)
    const snapshot = new OpenSnapshot(disk, journalId, commit, held, files, () => {
      this.open.delete(snapshot)
      this.unhold(held)
    })
    this.open.add(snapshot)
    try {
      files.unshift(...(await checkpointFiles(disk, held)))
      return snapshot
    } catch (error) {
      snapshot.release()
      throw error
    }
  }

  private unhold({ checkpoint, spans, segments }: Held): void {
    this.room.checkpoints.unhold(checkpoint)
    spans.release()
    this.room.retirement.unhold(segments)
  }

  /** Gives up those there are and takes none from now on: the store has failed, ends, or needs the space. */
  refuse(failure: Failure): void {
    this.refusal = failure
    for (const { reject } of [...this.asked, ...this.held]) reject(new StoreRefused(failure))
    for (const held of this.held) this.unhold(held)
    this.asked = []
    this.held = []
    for (const snapshot of [...this.open]) snapshot.fail(failure)
  }

  /** After a refusal for lack of space. */
  allow(): void {
    this.refusal = null
  }
}

/** Checkpoints are whole files; one copy is enough, and a start that could not write both has one. */
function checkpointFiles(disk: Disk, { checkpoint: { footer } }: Held): Promise<SnapshotFile[]> {
  const numbers = footer === null ? [] : [footer.number, ...footer.bases]
  const file = async (number: number): Promise<SnapshotFile> => {
    const [path, copy] = checkpointPaths(number) as [string, string]
    const facts = await disk.stat(path)
    return facts === null ? { path: copy, bytes: (await disk.stat(copy))?.bytes ?? 0 } : { path, bytes: facts.bytes }
  }
  return Promise.all(numbers.map(file))
}

/** Spans and segments, to the end of the last frame there is now. */
function filesOf({ journal, host }: SnapshotRoom, { spans, segments }: Held): SnapshotFile[] {
  const files: SnapshotFile[] = []
  const ends = new Map(host.endOfSegment)
  for (const info of spans.infos) {
    if (adopted(info)) ends.set(info.firstSeq, info.dataBytes)
    else files.push({ path: spanPath(info), bytes: info.dataBytes })
  }
  const { active } = journal
  if (active !== null) ends.set(active.seq, active.position)
  const wanted = new Set(spans.infos.filter(adopted).map(({ firstSeq }) => firstSeq))
  const inOrder = [...host.slotOfSegment].sort(([a], [b]) => a - b)
  segments.through = inOrder.at(-1)?.[0] ?? 0
  for (const [segmentSeq, slot] of inOrder) {
    if (segmentSeq < segments.from && !wanted.has(segmentSeq)) continue
    files.push({ path: slotPath(slot), bytes: ends.get(segmentSeq)! })
  }
  return files
}

class OpenSnapshot implements Snapshot {
  readonly disk: Disk
  readonly journalId: Buffer
  readonly commit: number
  readonly files: readonly SnapshotFile[]
  readonly held: Held
  failure: Failure | null = null
  private readonly over: () => void
  private released = false

  constructor(
    disk: Disk,
    journalId: Buffer,
    commit: number,
    held: Held,
    files: readonly SnapshotFile[],
    over: () => void,
  ) {
    this.disk = disk
    this.journalId = journalId
    this.commit = commit
    this.held = held
    this.files = files
    this.over = over
  }

  fail(failure: Failure): void {
    if (this.released) return
    this.failure = failure
    this.release()
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.over()
  }
}
