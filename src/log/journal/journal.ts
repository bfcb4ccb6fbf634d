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

interface Flight {
  commit: SealedCommit
  kind: FrameKind
  part: number
  parts: number
  done: (error: DiskError | null) => void
}

const zeros = Buffer.alloc(frameAlign)

/** Writes frames, one at a time (`framesInFlightMax` 1): each where the last one ended, or in the next segment. */
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
  private readonly partHeader = Buffer.alloc(frameHeaderBytes)
  private flight: Flight | null = null
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

  get busy(): boolean {
    return this.flight !== null
  }

  /** The segment that the next frame goes to, as far as that is known. */
  get segmentSeq(): number {
    return this.active?.seq ?? this.nextSeq
  }

  /** `done` may be called before this returns. After an error nothing may be written any more. */
  write(commit: SealedCommit, kind: FrameKind, done: (error: DiskError | null) => void): void {
    assert(this.flight === null, 'one commit in flight')
    this.flight = { commit, kind, part: 0, parts: partsOf(bodyBytesOf(commit), this.frameBytesMax), done }
    this.nextPart(this.flight)
  }

  private nextPart(flight: Flight): void {
    const share = bodyBytesMax(this.frameBytesMax)
    const partBytes = Math.min(share, bodyBytesOf(flight.commit) - flight.part * share)
    const segment = this.active
    if (segment !== null && placeFrame(segment.position, frameHeaderBytes + partBytes, segment.segmentBytes) >= 0) {
      return this.submit(flight, segment, partBytes, false)
    }
    this.inNext(flight, partBytes)
  }

  private inNext(flight: Flight, partBytes: number): void {
    this.roll((next) => this.submit(flight, next, partBytes, true))
  }

  private roll(use: (segment: ActiveSegment) => void): void {
    this.slots.take((ready) => {
      const before = this.active
      const segment = this.begin(ready)
      this.active = segment
      if (before !== null) this.events.sealed(before, this.end)
      use(segment)
    })
  }

  private begin(ready: ReadySlot): ActiveSegment {
    const { end } = this
    const seq = this.nextSeq++
    const flight = this.flight!
    writeSegmentHeader(this.segmentHeader, {
      major: journalMajor,
      minor: journalMinor,
      journalId: end.journalId,
      segmentSeq: seq,
      startLsn: end.lsn,
      firstFrame: end.number,
      firstCommit: flight.part === 0 ? flight.commit.number : flight.commit.number + 1,
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

  private submit(flight: Flight, segment: ActiveSegment, partBytes: number, first: boolean): void {
    const { commit, part } = flight
    const { end } = this
    const from = part * bodyBytesMax(this.frameBytesMax)
    const table = tableOf(commit)
    const tableBytes = Math.max(0, Math.min(table.length - from, partBytes))
    const header = part === 0 ? commit.head : this.partHeader
    const position = segment.position
    writeFrameHeader(header, {
      kind: flight.kind,
      flags: 0,
      part,
      parts: flight.parts,
      journalId: end.journalId,
      segmentSeq: segment.seq,
      lsn: end.lsn,
      number: end.number,
      epoch: end.epoch,
      commitTimeMs: commit.timeMs,
      chain: end.chain,
      tableBytes,
      payloadBytes: partBytes - tableBytes,
      commit: commit.number,
    })
    const slices: Buffer[] = first ? [this.segmentHeader] : []
    if (part === 0) slices.push(commit.head.subarray(0, frameHeaderBytes + tableBytes))
    else slices.push(this.partHeader, table.subarray(from, from + tableBytes))
    pushPayload(slices, commit, from + tableBytes - table.length, partBytes - tableBytes)
    const bytes = frameHeaderBytes + partBytes
    const padding = aligned(bytes) - bytes
    if (padding > 0) slices.push(zeros.subarray(0, padding))
    const at = first ? 0 : position
    const write = { file: segment.file, at, slices, header: first ? 1 : 0, bodyBytes: partBytes }
    this.thread.commit(write, (error, chain) => {
      if (error === null) return this.advance(flight, segment, bytes, chain)
      this.undecided.place = { slot: segment.slot, position: at, segmentSeq: segment.seq, number: end.number }
      if (error.kind !== 'full') return flight.done(error)
      if (flight.part === 0) this.moveOn(flight, segment, partBytes)
      else
        this.afterCut(flight, () => this.slots.whenThereIsSpace(() => this.submit(flight, segment, partBytes, first)))
    })
  }

  /**
   * No space for a frame in a file that grows: it goes into a slot that is ready, or when there is one. Only where it is
   * the first of its commit: where the others lie follows from where that one is, so they wait in their place.
   */
  private moveOn(flight: Flight, segment: ActiveSegment, partBytes: number): void {
    const empty = segment.position === segmentHeaderBytes
    this.slots.foundNone()
    if (empty) this.undecided.place!.position = 0
    this.afterCut(flight, () => {
      if (empty) this.giveBack(segment)
      this.inNext(flight, partBytes)
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

  private advance(flight: Flight, segment: ActiveSegment, bytes: number, chain: Buffer): void {
    const { end } = this
    this.events.placed(flight.commit, segment, segment.position, flight.part * bodyBytesMax(this.frameBytesMax))
    segment.position += aligned(bytes)
    this.writtenBytes += aligned(bytes)
    this.slots.wrote(bytes)
    end.lsn += bytes
    end.number++
    end.commit = flight.commit.number
    end.timeMs = flight.commit.timeMs
    end.chain = chain
    flight.part++
    if (flight.part < flight.parts) return this.nextPart(flight)
    this.flight = null
    flight.done(null)
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
