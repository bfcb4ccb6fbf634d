import { MalformedError, Reader } from '../../base/index.ts'
import { owner, type CheckpointRecord } from '../checkpoint/index.ts'
import {
  emptyExtent,
  entryKind,
  EntryReader,
  ownKinds,
  frameHeaderBytes,
  frameKind,
  type FrameHeader,
} from '../frame/index.ts'
import { IndexPages } from '../index-pages/index.ts'
import { decodeEdit, Manifest } from '../span/index.ts'
import { Partitions } from '../engine/partitions.ts'
import type { LostRange } from './finding.ts'

/** Is shown what the core has said of its objects, so that it can name them. */
export interface Witness {
  restore(object: number, part: number, frame: number, state: Buffer): void
  apply(kind: number, object: number, body: Buffer): void
}

/** A commit of several frames that have not all come yet: its table as far as it has. */
interface Begun {
  commit: number
  parts: number
  table: Buffer
}

/** What a start would know: which spans there are, and the bounds of the partitions. Commits count when they are whole. */
export class Replayed {
  readonly manifest = new Manifest()
  readonly partitions = new Partitions()
  private readonly pages = new IndexPages(
    (span) => !this.manifest.has(span),
    () => this.manifest.goneCount,
  )
  beginCommit = 0
  /** The newest commit with a frame. */
  commit = 0
  /** Offsets that were skipped: where a later extent of a partition begins beyond the end of the one before. */
  readonly gaps: LostRange[] = []
  private readonly seen = new Map<number, number>()
  private readonly witness: Witness | null
  /** After a bad stretch a gap means loss; otherwise offsets may have holes. */
  private watching = false
  private begun: Begun | null = null

  constructor(witness: Witness | null = null) {
    this.witness = witness
  }

  restore(record: CheckpointRecord): void {
    const { object, part, frame, state } = record
    if (record.owner === owner.machine) return this.witness?.restore(object, part, frame, state)
    if (record.owner === owner.partitions) this.partitions.restore(object, frame, state)
    else if (record.owner === owner.spans && object === 0) this.manifest.restore(part, frame, state)
    else if (record.owner === owner.spans) this.pages.restore(object - 1, part, state)
  }

  /** Something is missing here. */
  watchGaps(): void {
    this.watching = true
    this.cutShort()
  }

  frame({ kind, commit, part, parts, tableBytes }: FrameHeader, bytes: Buffer): void {
    this.commit = Math.max(this.commit, commit)
    const begun = this.begun
    // A commit that is followed by anything but its next part was being written when the broker died.
    this.begun = null
    if (kind !== frameKind.data) return
    if (part > 0 && (begun?.commit !== commit || begun.parts !== part)) return
    const here = bytes.subarray(frameHeaderBytes, frameHeaderBytes + tableBytes)
    const table = part > 0 ? Buffer.concat([begun!.table, here]) : here
    if (part + 1 < parts) {
      this.begun = { commit, parts: part + 1, table: Buffer.from(table) }
      return
    }
    const entries = new EntryReader(table)
    while (entries.next()) this.entry(entries, commit)
  }

  /** The rest of the commit is among what is missing, so all of it counts for nothing. */
  private cutShort(): void {
    if (this.begun !== null) this.lose(this.begun.table)
    this.begun = null
  }

  /** A frame that is bad somewhere, from its header on. A flipped bit there or in a payload leaves the table whole. */
  suspect(bytes: Buffer): void {
    this.cutShort()
    this.lose(bytes.subarray(frameHeaderBytes))
  }

  /**
   * What a table seems to say of records that are lost, as far as it can be read; believed as far as it goes on exactly
   * where its partitions ended.
   */
  private lose(table: Buffer): void {
    const entries = new EntryReader(table)
    try {
      while (entries.next()) {
        if (entries.kind !== entryKind.extent) continue
        const extent = emptyExtent()
        entries.extent(extent)
        const { partition, baseOffset, count } = extent
        if (this.expected(partition) !== baseOffset) continue
        this.gaps.push({ partition, first: baseOffset, last: baseOffset + count - 1 })
        this.seen.set(partition, baseOffset + count)
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
    }
  }

  /** Where the partition's next extent should begin. */
  private expected(partition: number): number | undefined {
    return this.seen.get(partition) ?? this.partitions.find(partition)?.next
  }

  private entry(entries: EntryReader, commit: number): void {
    const { kind, object } = entries
    const { partitions } = this
    const known = partitions.find(object) !== undefined
    if (kind === entryKind.extent) return this.extent(entries, commit)
    if (commit <= this.beginCommit) return
    if (kind < ownKinds) return this.witness?.apply(kind, object, Buffer.from(entries.body))
    if (kind === entryKind.createPartition && !known) partitions.create(object)
    if (kind === entryKind.dropPartition && known && partitions.wants(object, commit)) partitions.drop(object)
    if (kind === entryKind.trim && known && partitions.wants(object, commit)) {
      const body = new Reader(entries.body)
      const start = body.uvarint()
      if (start > partitions.get(object).start) partitions.trim(object, start, 0)
    }
    if (kind === entryKind.manifest) this.manifest.replay(decodeEdit(Buffer.from(entries.body)), commit)
  }

  private extent(entries: EntryReader, commit: number): void {
    const extent = emptyExtent()
    entries.extent(extent)
    const { partition, baseOffset, count } = extent
    const found = this.partitions.find(partition)
    const before = this.seen.get(partition) ?? (commit > this.beginCommit ? found?.next : undefined)
    if (this.watching && before !== undefined && before < baseOffset) {
      this.gaps.push({ partition, first: before, last: baseOffset - 1 })
    }
    this.seen.set(partition, baseOffset + count)
    if (found === undefined || commit <= this.beginCommit || baseOffset < found.next) return
    this.partitions.append(partition, baseOffset, count, 0)
  }

  /** The records that a span holds, at most, as the index in the checkpoint has it. */
  heldBy(span: number): LostRange[] {
    const held: LostRange[] = []
    for (const { partition, from, below } of this.pages.stretchesOf(span)) {
      held.push({ partition, first: from, last: below - 1 })
    }
    return this.kept(held)
  }

  /** Those of the ranges that are still kept: what lies below the start of its partition was given up before. */
  kept(ranges: readonly LostRange[]): LostRange[] {
    const kept: LostRange[] = []
    for (const { partition, first, last } of ranges) {
      const start = this.partitions.find(partition)?.start ?? Infinity
      if (last >= start) kept.push({ partition, first: Math.max(first, start), last })
    }
    return kept
  }
}
