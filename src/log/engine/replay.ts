import { Reader } from '../../base/index.ts'
import { emptyExtent, entryKind, EntryReader, ownKinds } from '../frame/index.ts'
import { Assembler, joinFrames, type Assembled } from '../journal/assembler.ts'
import { tableOf, type SealedCommit } from '../journal/commit.ts'
import type { WalkedFrame } from '../journal/scan.ts'
import type { Spans } from '../span/host.ts'
import type { Machine } from '../store.ts'
import type { Partitions } from './partitions.ts'
import { writtenByNewer } from '../refused.ts'
import { indexCommit, type HeldSegment } from './segments.ts'

/** Where the segment that is being walked lies. */
export interface WalkedSegment {
  held: HeldSegment
  segmentBytes: number
  frameBytesMax: number
}

/** Takes the frames of the journal in order, joins the parts of commits, indexes all extents, applies the newer ones. */
export class Replay {
  /** The last commit that counts. */
  commit: number
  private readonly beginCommit: number
  private readonly machine: Machine
  private readonly partitions: Partitions
  private readonly spans: Spans
  private readonly assembler = new Assembler<WalkedSegment>()

  constructor(beginCommit: number, machine: Machine, partitions: Partitions, spans: Spans) {
    this.beginCommit = beginCommit
    this.commit = beginCommit
    this.machine = machine
    this.partitions = partitions
    this.spans = spans
  }

  frame(frame: WalkedFrame, segment: WalkedSegment): void {
    const { header } = frame
    segment.held.lastCommit = Math.max(segment.held.lastCommit, header.commit)
    segment.held.lastCommitTime = header.commitTimeMs
    const whole = this.assembler.add(frame, segment)
    if (whole !== null) this.take(whole)
  }

  private take({ frames, places }: Assembled<WalkedSegment>): void {
    const commit = joinFrames(frames)
    const first = places[0]!
    this.commit = commit.number
    const { position } = frames[0]!
    indexCommit(first.held.index, commit, position, first.segmentBytes, first.frameBytesMax, (partition, next) => {
      const found = this.partitions.find(partition)
      if (found !== undefined) found.placedNext = Math.max(found.placedNext, next)
    })
    if (commit.number > this.beginCommit) this.apply(commit)
  }

  private apply(commit: SealedCommit): void {
    const entries = new EntryReader(tableOf(commit))
    const frame = commit.number
    while (entries.next()) {
      const { kind, object } = entries
      if (kind < ownKinds) {
        this.machine.apply(kind, object, entries.body, frame, commit.timeMs)
      } else if (kind === entryKind.extent) {
        this.applyExtent(entries, commit)
      } else if (kind === entryKind.createPartition) {
        if (this.partitions.find(object) === undefined) this.partitions.create(object)
      } else if (kind === entryKind.dropPartition) {
        if (this.partitions.wants(object, frame)) this.drop(object)
      } else if (kind === entryKind.trim) {
        const body = new Reader(entries.body)
        const start = body.uvarint()
        if (this.partitions.wants(object, frame)) this.partitions.trim(object, start, body.uvarint())
      } else if (kind === entryKind.manifest) {
        this.spans.replay(Buffer.from(entries.body), frame)
      } else if (kind !== entryKind.checkpoint && entries.mustUnderstand) {
        throw writtenByNewer(`the journal has entries of kind ${kind}`)
      }
    }
  }

  private drop(partition: number): void {
    this.partitions.drop(partition)
    this.spans.dropped(partition)
  }

  private applyExtent(entries: EntryReader, commit: SealedCommit): void {
    const entry = emptyExtent()
    entries.extent(entry)
    const { partition, baseOffset, count, payloadPos, payloadBytes } = entry
    const found = this.partitions.find(partition)
    if (found === undefined) return
    if (this.partitions.wants(partition, commit.number)) {
      this.partitions.append(partition, baseOffset, count, payloadBytes)
      found.placedNext = found.next
    }
    const facts = {
      baseOffset,
      count,
      maxTimestamp: entry.maxTimestamp,
      appendTime: commit.timeMs,
      flags: entry.flags,
      meta: entry.meta as Buffer,
    }
    this.machine.applyExtent(partition, facts, commit.payload.slice(payloadPos, payloadBytes), commit.number)
  }
}
