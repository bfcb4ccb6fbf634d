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

/**
 * What a start would know: which spans there are, and the bounds of the partitions. Tables are read frame by frame, so
 * the table of a commit that was cut is read as far as its first frame holds it.
 */
export class Replayed {
  readonly manifest = new Manifest()
  readonly partitions = new Partitions()
  private readonly pages = new IndexPages((span) => !this.manifest.has(span))
  beginCommit = 0
  /** The newest commit with a frame. */
  commit = 0
  /** Offsets that were skipped: where a later extent of a partition begins beyond the end of the one before. */
  readonly gaps: LostRange[] = []
  private readonly seen = new Map<number, number>()
  private readonly witness: Witness | null
  /** After a bad stretch a gap means loss; otherwise offsets may have holes. */
  private watching = false

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

  watchGaps(): void {
    this.watching = true
  }

  frame(header: FrameHeader, bytes: Buffer): void {
    this.commit = Math.max(this.commit, header.commit)
    if (header.kind !== frameKind.data || header.part > 0) return
    const entries = new EntryReader(bytes.subarray(frameHeaderBytes, frameHeaderBytes + header.tableBytes))
    try {
      while (entries.next()) this.entry(entries, header.commit)
    } catch (error) {
      // The table of a large commit goes on in the next part.
      if (!(error instanceof MalformedError) || header.parts === 1) throw error
    }
  }

  /**
   * A frame that is bad somewhere, from its header on. What its table seems to say is believed as far as it goes on
   * exactly where its partitions ended: a flipped bit in the header or in a payload leaves the table whole.
   */
  suspect(bytes: Buffer): void {
    const entries = new EntryReader(bytes.subarray(frameHeaderBytes))
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
