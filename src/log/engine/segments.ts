import { crc32c } from '../../base/index.ts'
import { frameHeaderBytes, fragmentsOf, type CommitPlace } from '../frame/index.ts'
import { bodyBytesOf, eachExtent, tableOf, type SealedCommit } from '../journal/commit.ts'
import type { Tail } from '../journal/tail.ts'
import type { LocatedExtent } from '../span/located-extent.ts'
import { SegmentIndex } from '../span/segment-index.ts'
import type { OpenSegment } from '../span/host.ts'
import type { ExtentFacts } from '../store.ts'

/** A segment whose extents are indexed in memory: the active one, and those that the spans do not serve alone yet. */
export interface HeldSegment extends OpenSegment {
  index: SegmentIndex
  /** The spans have it: they serve what is not in the tail. */
  adopted: boolean
  /** The last commit that begins or goes on here, and its time. */
  lastCommit: number
  lastCommitTime: number
}

/** The segments whose index is in memory, oldest first. */
export class HeldSegments {
  readonly list: HeldSegment[] = []
  private readonly tail: Tail

  constructor(tail: Tail) {
    this.tail = tail
  }

  get(segmentSeq: number): HeldSegment | undefined {
    return this.list.find((segment) => segment.segmentSeq === segmentSeq)
  }

  begin(segmentSeq: number, slot: number): HeldSegment {
    const segment: HeldSegment = {
      segmentSeq,
      slot,
      endPosition: 0,
      index: new SegmentIndex(segmentSeq),
      adopted: false,
      lastCommit: 0,
      lastCommitTime: 0,
    }
    this.list.push(segment)
    return segment
  }

  remove(segmentSeq: number): void {
    const at = this.list.findIndex((segment) => segment.segmentSeq === segmentSeq)
    if (at >= 0) this.list.splice(at, 1)
  }

  /** Forgets the oldest ones as far as the spans have them and the tail has moved past them. */
  forget(): void {
    const oldest = this.tail.oldestSegment
    while (this.list.length > 1 && this.list[0]!.adopted && this.list[0]!.segmentSeq < oldest) this.list.shift()
  }

  /** The first offset of the partition in here, Infinity when there is none. */
  firstOffset(partition: number): number {
    for (const { index } of this.list) {
      const first = index.firstOffset(partition)
      if (first >= 0) return first
    }
    return Infinity
  }

  /**
   * Where the extents that hold the records from `from` on begin to be served from here; Infinity when none of them is.
   * What an adopted segment has and the tail has not is the spans' to serve, though its index is here: they know what
   * the cleaner has taken of it.
   */
  firstServed(partition: number, from: number): number {
    for (const segment of this.list) {
      const { index } = segment
      const count = index.extentCount(partition)
      if (count === 0 || index.nextOffset(partition) <= from) continue
      let low = index.find(partition, from)
      let high = count
      while (low < high) {
        const middle = (low + high) >>> 1
        if (this.serves(segment, index.extent(partition, middle))) high = middle
        else low = middle + 1
      }
      if (low < count) return index.extent(partition, low).baseOffset
    }
    return Infinity
  }

  private serves({ adopted, segmentSeq }: HeldSegment, { pieces }: LocatedExtent): boolean {
    return !adopted || this.tail.reaches(segmentSeq + pieces[0]!.segmentsOn, pieces[0]!.position)
  }

  /** Payload bytes of the extents in [from, below) as far as they are here. */
  bytesBetween(partition: number, from: number, below: number): number {
    let bytes = 0
    for (const { index } of this.list) {
      const count = index.extentCount(partition)
      if (count === 0 || index.nextOffset(partition) <= from) continue
      for (let nth = index.find(partition, from); nth < count; nth++) {
        const extent = index.extent(partition, nth)
        if (extent.baseOffset + extent.count > below) return bytes
        bytes += extent.bytes
      }
    }
    return bytes
  }

  /** Calls `visit` for the extents from the one that holds `from` on, in order, until it returns false. */
  each(partition: number, from: number, visit: (segment: HeldSegment, extent: LocatedExtent) => boolean): void {
    for (const segment of this.list) {
      const { index } = segment
      const count = index.extentCount(partition)
      if (count === 0 || index.nextOffset(partition) <= from) continue
      for (let nth = index.find(partition, from); nth < count; nth++) {
        if (!visit(segment, index.extent(partition, nth))) return
      }
    }
  }
}

/** Where a commit lies whose first frame stands at `position`. */
export const placeOf = (
  commit: SealedCommit,
  position: number,
  segmentBytes: number,
  frameBytesMax: number,
): CommitPlace => ({ position, segmentBytes, frameBytesMax, bodyBytes: bodyBytesOf(commit) })

/** Indexes the extents of a commit whose first frame lies at `position` of the segment. */
export function indexCommit(
  index: SegmentIndex,
  commit: SealedCommit,
  position: number,
  segmentBytes: number,
  frameBytesMax: number,
  indexed: (partition: number, next: number) => void,
): void {
  const table = tableOf(commit)
  const place = placeOf(commit, position, segmentBytes, frameBytesMax)
  const whole = frameHeaderBytes + place.bodyBytes <= frameBytesMax
  const { shared } = commit
  const facts: ExtentFacts = {
    baseOffset: 0,
    count: 0,
    maxTimestamp: 0,
    appendTime: commit.timeMs,
    flags: 0,
    meta: none,
  }
  let crc = 0
  let crcOf = -1
  eachExtent(table, (entry) => {
    const { payloadPos, payloadBytes } = entry
    if (crcOf !== payloadPos) {
      crc = crc32c(commit.payload.slice(payloadPos, payloadBytes))
      crcOf = payloadPos
    }
    const bodyPos = table.length + payloadPos
    const pieces = whole || payloadBytes === 0 ? null : fragmentsOf(place, bodyPos, payloadBytes)
    const at = pieces === null ? position + frameHeaderBytes + bodyPos : pieces[0]!.position
    facts.baseOffset = entry.baseOffset
    facts.count = entry.count
    facts.maxTimestamp = entry.maxTimestamp
    facts.flags = entry.flags
    facts.meta = entry.meta as Buffer
    index.add(entry.partition, facts, at, payloadBytes, crc, shared !== null && shared.has(payloadPos), pieces)
    indexed(entry.partition, entry.baseOffset + entry.count)
  })
}

const none = Buffer.alloc(0)
