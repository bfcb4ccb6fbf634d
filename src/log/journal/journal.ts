import { assert } from '../../base/index.ts'
import type { CommitFile, CommitThread, DiskError } from '../../world/index.ts'
import {
  aligned,
  bodyBytesMax,
  frameAlign,
  frameHeaderBytes,
  journalMajor,
  journalMinor,
  partsOf,
  placeFrame,
  segmentHeaderBytes,
  unsyncedFlag,
  writeFrameHeader,
  writeSegmentHeader,
  type FrameKind,
} from '../frame/index.ts'
import { bodyBytesOf, PayloadRuns, tableOf, type SealedCommit } from './commit.ts'
import type { ReadySlot, Slots } from './slots.ts'

/** Where the journal ends: what the next frame will carry. */
export interface JournalEnd {
  journalId: Buffer
  epoch: number
  lsn: number
  /** Number of the next frame. */
  number: number
  /** The last commit that has a frame. */
  commit: number
  chain: Buffer
  /** Of the last frame, ms since 1970. */
  timeMs: number
}

export interface ActiveSegment {
  seq: number
  slot: number
  file: CommitFile
  /** Where the next frame goes. */
  position: number
  segmentBytes: number
  firstFrame: number
  startLsn: number
}

/** What a process knows of the folder's journal from one store to the next that it opens there. */
export interface Undecided {
  /** The journal that was open: where it is not any more, nobody may begin another one. Absent before the first. */
  journalId?: Buffer
  /**
   * Where a frame was to be written when that failed: nobody knows what stands there, so whoever opens the journal takes
   * it away first.
   */
  place: { slot: number; position: number; segmentSeq: number; number: number } | null
}

export interface JournalEvents {
  /** A frame is written, at that place. `bodyFrom`: which byte of the commit's body it begins with. */
  placed(commit: SealedCommit, segment: ActiveSegment, position: number, bodyFrom: number): void
  /** The segment takes no more frames. All its commits are written but perhaps the one that goes on in the next. */
  sealed(segment: ActiveSegment, end: JournalEnd): void
  /** No space was found for its first frame: its number goes to another. */
  neverWas(segment: ActiveSegment): void
}

/** A commit on its way. */
interface Flight {
  commit: SealedCommit
  kind: FrameKind
  parts: number
  /** How many of them have been handed to the thread, and how many are written. */
  handedOver: number
  written: number
  done: (error: DiskError | null) => void
}

/** A frame that the thread has. */
interface HandedOver {
  flight: Flight
  segment: ActiveSegment
  position: number
  /** Without what fills it up. */
  bytes: number
  /** The segment's header goes with it. */
  first: boolean
}

/** One that is in flight, and the one that follows it: the thread need not wait for the loop. */
const handedOverMax = 2

const zeros = Buffer.alloc(frameAlign)

/**
 * Writes frames, one at a time (`framesInFlightMax` 1): each where the last one ended, or in the next segment. What is
 * handed over behind the one in flight lies in memory until that is on the disk.
 */
export class Journal {
  readonly end: JournalEnd
  active: ActiveSegment | null
  /** Bytes written to slots since the start, padding included. */
  writtenBytes = 0
  private readonly thread: CommitThread
  private readonly slots: Slots
  private readonly frameBytesMax: number
  private readonly sync: boolean
  private readonly events: JournalEvents
  private readonly undecided: Undecided
  private readonly segmentHeader = Buffer.alloc(segmentHeaderBytes)
  private readonly flights: Flight[] = []
  private readonly handedOver: HandedOver[] = []
  /** A new segment is awaited, or space, or a frame that failed was the last. */
  private held = false
  private nextSeq: number

  constructor(
    thread: CommitThread,
    slots: Slots,
    frameBytesMax: number,
    sync: boolean,
    events: JournalEvents,
    end: JournalEnd,
    active: ActiveSegment | null,
    nextSeq: number,
    undecided: Undecided,
  ) {
    assert(frameBytesMax % frameAlign === 0, 'frames are cut at 4 KiB')
    this.thread = thread
    this.slots = slots
    this.frameBytesMax = frameBytesMax
    this.sync = sync
    this.events = events
    this.end = end
    this.active = active
    this.nextSeq = nextSeq
    this.undecided = undecided
  }

  /** Commits that are not written yet. */
  get waiting(): number {
    return this.flights.length
  }

  /** The segment that the next frame goes to, as far as that is known. */
  get segmentSeq(): number {
    return this.active?.seq ?? this.nextSeq
  }

  /** `done` may be called before this returns, each in its turn. After an error nothing may be written any more. */
  write(commit: SealedCommit, kind: FrameKind, done: (error: DiskError | null) => void): void {
    const parts = partsOf(bodyBytesOf(commit), this.frameBytesMax)
    this.flights.push({ commit, kind, parts, handedOver: 0, written: 0, done })
    this.handOver()
  }

  /** What follows is handed over only where its place is known: in the same segment. */
  private handOver(): void {
    while (!this.held && this.handedOver.length < handedOverMax) {
      const flight = this.flights.find((each) => each.handedOver < each.parts)
      if (flight === undefined) return
      const before = this.handedOver.at(-1)
      const segment = this.active
      const position = before === undefined ? (segment?.position ?? 0) : before.position + aligned(before.bytes)
      const bytes = frameHeaderBytes + this.partBytes(flight)
      if (segment !== null && placeFrame(position, bytes, segment.segmentBytes) >= 0) {
        this.submit({ flight, segment, position, bytes, first: false })
      } else if (before === undefined) this.inNext(flight)
      else return
    }
  }

  /** Of the body, in the next frame of the commit. */
  private partBytes({ commit, handedOver }: Flight): number {
    const share = bodyBytesMax(this.frameBytesMax)
    return Math.min(share, bodyBytesOf(commit) - handedOver * share)
  }

  private inNext(flight: Flight): void {
    this.held = true
    this.slots.take((ready) => {
      const before = this.active
      const segment = this.begin(ready, flight)
      this.active = segment
      if (before !== null) this.events.sealed(before, this.end)
      const bytes = frameHeaderBytes + this.partBytes(flight)
      this.resume({ flight, segment, position: segment.position, bytes, first: true })
    })
  }

  private resume(frame: HandedOver): void {
    this.held = false
    this.submit(frame)
    this.handOver()
  }

  private begin(ready: ReadySlot, flight: Flight): ActiveSegment {
    const { end } = this
    const seq = this.nextSeq++
    writeSegmentHeader(this.segmentHeader, {
      major: journalMajor,
      minor: journalMinor,
      journalId: end.journalId,
      segmentSeq: seq,
      startLsn: end.lsn,
      firstFrame: end.number,
      firstCommit: flight.written === 0 ? flight.commit.number : flight.commit.number + 1,
      epoch: end.epoch,
      chain: end.chain,
      segmentBytes: ready.segmentBytes,
      frameBytesMax: this.frameBytesMax,
      requiredFlags: 0,
      optionalFlags: this.sync ? 0 : unsyncedFlag,
      createdAt: flight.commit.timeMs,
    })
    return {
      seq,
      slot: ready.slot,
      file: ready.file,
      position: segmentHeaderBytes,
      segmentBytes: ready.segmentBytes,
      firstFrame: end.number,
      startLsn: end.lsn,
    }
  }

  private submit(frame: HandedOver): void {
    const { flight, segment, first, bytes } = frame
    const { commit } = flight
    const part = flight.handedOver++
    const from = part * bodyBytesMax(this.frameBytesMax)
    const partBytes = bytes - frameHeaderBytes
    const table = tableOf(commit)
    const tableBytes = Math.max(0, Math.min(table.length - from, partBytes))
    const header = part === 0 ? commit.head : Buffer.alloc(frameHeaderBytes)
    const follows = this.handedOver.length > 0
    this.writeHeader(header, frame, part, tableBytes)
    const slices: Buffer[] = first ? [this.segmentHeader] : []
    if (part === 0) slices.push(commit.head.subarray(0, frameHeaderBytes + tableBytes))
    else slices.push(header, table.subarray(from, from + tableBytes))
    pushPayload(slices, commit, from + tableBytes - table.length, partBytes - tableBytes)
    const padding = aligned(bytes) - bytes
    if (padding > 0) slices.push(zeros.subarray(0, padding))
    this.handedOver.push(frame)
    const at = first ? 0 : frame.position
    const write = { file: segment.file, at, slices, header: first ? 1 : 0, bodyBytes: partBytes, follows }
    this.thread.commit(write, (error, chain) => {
      if (error === null) return this.advance(chain)
      this.undecided.place = { slot: segment.slot, position: at, segmentSeq: segment.seq, number: this.end.number }
      this.failed(frame, error)
    })
  }

  private writeHeader(header: Buffer, { flight, segment, bytes }: HandedOver, part: number, tableBytes: number): void {
    const { commit } = flight
    const { end } = this
    const before = this.handedOver.reduce((sum, each) => sum + each.bytes, 0)
    writeFrameHeader(header, {
      kind: flight.kind,
      flags: 0,
      part,
      parts: flight.parts,
      journalId: end.journalId,
      segmentSeq: segment.seq,
      lsn: end.lsn + before,
      number: end.number + this.handedOver.length,
      epoch: end.epoch,
      commitTimeMs: commit.timeMs,
      chain: end.chain,
      tableBytes,
      payloadBytes: bytes - frameHeaderBytes - tableBytes,
      commit: commit.number,
    })
  }

  /** The thread has given up what followed the frame. */
  private failed(frame: HandedOver, error: DiskError): void {
    this.held = true
    this.handedOver.length = 0
    for (const flight of this.flights) flight.handedOver = flight.written
    if (error.kind !== 'full') return frame.flight.done(error)
    if (frame.flight.written === 0) this.moveOn(frame)
    else this.afterCut(frame.flight, () => this.slots.whenThereIsSpace(() => this.resume(frame)))
  }

  /**
   * No space for a frame in a file that grows: it goes into a slot that is ready, or when there is one. Only where it is
   * the first of its commit: where the others lie follows from where that one is, so they wait in their place.
   */
  private moveOn({ flight, segment }: HandedOver): void {
    const empty = segment.position === segmentHeaderBytes
    this.slots.foundNone()
    if (empty) this.undecided.place!.position = 0
    this.afterCut(flight, () => {
      if (empty) this.giveBack(segment)
      this.inNext(flight)
    })
  }

  /** What may stand there of the frame is cut off and gone for good; only then may it be written again (F10). */
  private afterCut(flight: Flight, then: () => void): void {
    this.slots.cut(this.undecided.place!).then(
      () => {
        this.undecided.place = null
        then()
      },
      (error: unknown) => flight.done(error as DiskError),
    )
  }

  /** No frame was ever written to it, and its header is gone: there never was such a segment. */
  private giveBack(segment: ActiveSegment): void {
    this.active = null
    this.nextSeq = segment.seq
    this.events.neverWas(segment)
    this.slots.giveBack(segment.slot, segment.file)
  }

  /** The first of those that were handed over is written. */
  private advance(chain: Buffer): void {
    const { flight, segment, bytes } = this.handedOver.shift()!
    const { end } = this
    this.events.placed(flight.commit, segment, segment.position, flight.written * bodyBytesMax(this.frameBytesMax))
    segment.position += aligned(bytes)
    this.writtenBytes += aligned(bytes)
    this.slots.wrote(bytes)
    end.lsn += bytes
    end.number++
    end.commit = flight.commit.number
    end.timeMs = flight.commit.timeMs
    end.chain = chain
    flight.written++
    if (flight.written === flight.parts) {
      this.flights.shift()
      flight.done(null)
    }
    this.handOver()
  }
}

/** The runs that hold `bytes` of the commit's payload from `position` on. */
function pushPayload(slices: Buffer[], commit: SealedCommit, position: number, bytes: number): void {
  let start = 0
  for (const run of commit.payload.runs) {
    const from = Math.max(0, position - start)
    const to = Math.min(run.length, position + bytes - start)
    if (to > from) slices.push(run.subarray(from, to))
    start += run.length
  }
}

/** A frame without entries: FENCE, IDLE. It repeats the number of the last commit. */
export const emptyCommit = (number: number, timeMs: number): SealedCommit => ({
  number,
  timeMs,
  head: Buffer.alloc(frameHeaderBytes),
  payload: new PayloadRuns(),
  shared: null,
})
