import { fragmentsOf, frameHeaderBytes, type CommitPlace } from '../frame/index.ts'
import { tableOf, type PayloadRuns, type SealedCommit } from './commit.ts'

/** What a frame costs in memory besides its payload, about. */
const frameOverhead = 400

interface TailFrame {
  payload: PayloadRuns
  tableBytes: number
  segmentSeq: number
  position: number
  /** Which byte of the commit's body it begins with. */
  bodyFrom: number
}

/**
 * The newest commits, in memory as they were staged (D2): what is read at the tail was never copied. Bounded by the
 * bytes of their payloads; the oldest go first.
 */
export class Tail {
  bytes = 0
  private readonly bytesMax: number
  /** In the order of the journal; those before `first` are gone. */
  private frames: TailFrame[] = []
  private first = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /**
   * Called in order, when the first frame of a commit is written: where all of them lie follows from that, and whoever
   * finds the commit's extents from now on finds all their bytes here.
   */
  place(commit: SealedCommit, segmentSeq: number, place: CommitPlace): void {
    const { payload } = commit
    if (payload.bytes === 0) return
    const tableBytes = tableOf(commit).length
    let bodyFrom = 0
    for (const { segmentsOn, position, bytes } of fragmentsOf(place, 0, place.bodyBytes)) {
      const frame = { payload, tableBytes, segmentSeq: segmentSeq + segmentsOn, bodyFrom }
      this.frames.push({ ...frame, position: position - frameHeaderBytes })
      this.bytes += bodyFrom === 0 ? payload.bytes + frameOverhead : frameOverhead
      bodyFrom += bytes
    }
    this.evict()
  }

  private evict(): void {
    while (this.bytes > this.bytesMax && this.first < this.frames.length) {
      const frame = this.frames[this.first]!
      this.bytes -= frame.bodyFrom === 0 ? frame.payload.bytes + frameOverhead : frameOverhead
      this.frames[this.first++] = undefined as never
    }
    if (this.first > 1024 && this.first * 2 > this.frames.length) {
      this.frames = this.frames.slice(this.first)
      this.first = 0
    }
  }

  /** The oldest segment that has a frame in memory; Infinity when there is none. */
  get oldestSegment(): number {
    return this.frames[this.first]?.segmentSeq ?? Infinity
  }

  /** Has it what was written from this position of the segment's file on? */
  reaches(segmentSeq: number, position: number): boolean {
    const oldest = this.frames[this.first]
    if (oldest === undefined || segmentSeq < oldest.segmentSeq) return false
    return segmentSeq > oldest.segmentSeq || position >= oldest.position
  }

  /** The payload of `bytes` bytes that begins at `position` of the segment's file, or null when it is not here. */
  find(segmentSeq: number, position: number, bytes: number): Buffer | null {
    let low = this.first
    let high = this.frames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const frame = this.frames[middle]!
      const after = frame.segmentSeq > segmentSeq || (frame.segmentSeq === segmentSeq && frame.position > position)
      if (after) high = middle
      else low = middle + 1
    }
    const frame = low > this.first ? this.frames[low - 1]! : undefined
    if (frame === undefined || frame.segmentSeq !== segmentSeq) return null
    const bodyPos = frame.bodyFrom + position - frame.position - frameHeaderBytes
    return frame.payload.slice(bodyPos - frame.tableBytes, bytes)
  }
}
