import { DiskError, type Disk } from '../../world/index.ts'
import {
  badCopies,
  checkpointCopyPath,
  footerOf,
  listCheckpoints,
  restoreCheckpoint,
  verifyCheckpoint,
  checkpointPath,
  type CheckpointFooter,
} from '../checkpoint/index.ts'
import { Damaged } from '../damaged.ts'
import {
  frameAlign,
  provesDamage,
  readFrameHeader,
  segmentHeaderBytes,
  segmentHeaderUsed,
  type SegmentHeader,
} from '../frame/index.ts'
import { listSlots, tooNew, type SlotFile } from '../journal/slot-files.ts'
import { slotPath } from '../journal/slots.ts'
import { writtenByNewer } from '../refused.ts'
import { finding, type Finding } from './finding.ts'
import type { Replayed } from './replayed.ts'
import { stretchAt, walkAll, type BadStretch, type WalkEnd } from './walk-segment.ts'
import { Window } from './window.ts'

export type Segment = SlotFile & { header: SegmentHeader }

/** A bad stretch of a segment; whose records it held is found out when the manifest is known. */
export interface Wound {
  segment: Segment
  stretch: BadStretch
  detail: string
}

export interface JournalCheck {
  segments: Map<number, Segment>
  /** The newest that is whole. */
  checkpoint: CheckpointFooter | null
  wounds: Wound[]
  /** Segments whose index names records of commits that are not whole any more. */
  outdated: Set<number>
  /** Segments whose frames were all looked at, and where the last one ends. */
  walked: Map<number, number>
  frames: number
}

/** Checks every checkpoint; gives what the newest whole one says to `state`. */
export async function checkCheckpoints(
  disk: Disk,
  state: Replayed,
  report: (found: Finding) => void,
): Promise<CheckpointFooter | null> {
  const { numbers } = await listCheckpoints(disk)
  const bad: Damaged[] = []
  let newest: CheckpointFooter | null = null
  for (const number of numbers) {
    try {
      const footer = await footerOf(disk, number)
      await verifyCheckpoint(disk, footer)
      newest ??= footer
    } catch (error) {
      if (error instanceof Damaged) bad.push(error)
      else if (error instanceof DiskError && error.kind === 'notFound')
        bad.push(new Damaged(error.path, 0, 'is missing'))
      else throw error
    }
  }
  const severity = newest === null ? 'loss' : 'repairable'
  const told = new Map(bad.map((each) => [`${each.file}/${each.position}`, each]))
  for (const { file, position, message } of told.values()) {
    const what =
      newest === null ? 'and no other checkpoint is whole' : `${checkpointPath(newest.number)} will do instead`
    report(finding(severity, file, position, 0, `${message}; ${what}`))
  }
  const lost = new Set(bad.map(({ file }) => file))
  for (const number of numbers) await checkCopies(disk, number, lost, severity, report)
  if (newest === null) return null
  state.beginCommit = newest.beginCommit
  await restoreCheckpoint(disk, newest, (record) => state.restore(record))
  return newest
}

/** Either file of a checkpoint will do, unless the same is bad in both: then one of them is among `lost`, and told. */
async function checkCopies(
  disk: Disk,
  number: number,
  lost: ReadonlySet<string>,
  severity: Finding['severity'],
  report: (found: Finding) => void,
): Promise<void> {
  const bad = await badCopies(disk, number)
  const both = bad.some(({ path }) => lost.has(path))
  for (const { path, why, missing } of bad) {
    if (both) {
      const detail = `${why.message}; the other copy of it is bad, too`
      if (!lost.has(path)) report(finding(severity, path, why.position, 0, detail))
      continue
    }
    // Releases before had no copies.
    if (missing && path === checkpointCopyPath(number)) {
      report(finding('note', path, 0, 0, 'there is no copy of a checkpoint; the next checkpoint has one'))
      continue
    }
    const what = bad.length === 1 ? 'its other copy is whole' : 'what is whole in its other copy is taken from there'
    report(finding('repairable', path, why.position, 0, `${why.message}; nothing is lost by it: ${what}`))
  }
}

/** Walks the segments that a start would replay, in order, and notes what the entries say. */
export async function checkJournal(
  disk: Disk,
  state: Replayed,
  checkpoint: CheckpointFooter | null,
  report: (found: Finding) => void,
): Promise<JournalCheck> {
  const check: JournalCheck = {
    segments: new Map(),
    checkpoint,
    wounds: [],
    outdated: new Set(),
    walked: new Map(),
    frames: 0,
  }
  const slots = await listSlots(disk)
  for (const slot of slots) {
    if (slot.header === null) continue
    const why = tooNew(slot.header)
    if (why !== null) throw writtenByNewer(why)
    check.segments.set(slot.header.segmentSeq, slot as Segment)
  }
  const journalId = checkpoint?.journalId ?? [...check.segments.values()][0]?.header.journalId ?? null
  const first = checkpoint?.scanSegment ?? 1
  const sequence = [...check.segments.keys()].filter((seq) => seq >= first).sort((a, b) => a - b)
  let before: { segment: Segment; end: WalkEnd } | null = null
  for (const seq of sequence) {
    const segment = check.segments.get(seq)!
    if (before !== null && seq !== before.segment.header.segmentSeq + 1) {
      const missing = `segments ${before.segment.header.segmentSeq + 1} to ${seq - 1} are missing`
      report(finding('loss', slotPath(segment.slot), 0, 0, missing))
      state.watchGaps()
    } else if (before !== null && segment.header.firstFrame !== before.end.expected.number) {
      wound(check, before.segment, before.end, segment.header, state)
    }
    before = { segment, end: await walkOne(disk, segment, check, state, report) }
  }
  if (before?.end.torn === true) {
    const { segment, end } = before
    const detail = `a torn tail: frame ${end.expected.number} was being written and never acknowledged`
    report(finding('note', slotPath(segment.slot), end.position, 0, detail))
  }
  await checkHeaders(disk, slots, journalId, before?.end.expected.number ?? 1, report)
  return check
}

/** The frames between the end of one segment and the header of the next are missing. */
function wound(check: JournalCheck, segment: Segment, end: WalkEnd, next: SegmentHeader, state: Replayed): void {
  const stretch: BadStretch = {
    ...stretchAt(end.position, end.expected, end.last),
    to: segment.header.segmentBytes,
    lastFrame: next.firstFrame - 1,
    nextLsn: next.startLsn,
  }
  check.wounds.push({ segment, stretch, detail: `frames ${stretch.firstFrame} to ${stretch.lastFrame} are bad` })
  state.watchGaps()
}

/** Walks one segment; what is bad becomes a wound. */
export async function walkOne(
  disk: Disk,
  segment: Segment,
  check: JournalCheck,
  state: Replayed | null,
  report: (found: Finding) => void,
): Promise<WalkEnd> {
  const path = slotPath(segment.slot)
  const file = await disk.open(path, 'read')
  const padding = (position: number): void =>
    report(finding('note', path, position, 1, 'the padding is not zero: nothing is lost, but the disk changes bits'))
  try {
    const window = new Window(file)
    const page = await window.at(0, segmentHeaderBytes)
    const dirty = page.subarray(segmentHeaderUsed).findIndex((byte) => byte !== 0)
    if (dirty >= 0) padding(segmentHeaderUsed + dirty)
    const end = await walkAll(window, segment.header, {
      frame(header, bytes) {
        check.frames++
        state?.frame(header, bytes)
      },
      suspect: (bytes) => state?.suspect(bytes),
      bad(stretch) {
        check.wounds.push({ segment, stretch, detail: `frames ${stretch.firstFrame} to ${stretch.lastFrame} are bad` })
        state?.watchGaps()
      },
      padding,
    })
    check.walked.set(segment.header.segmentSeq, end.position)
    return end
  } finally {
    await file.close()
  }
}

/** A slot whose header is bad and that holds frames of this journal which are later than the ones that were read. */
async function checkHeaders(
  disk: Disk,
  slots: readonly SlotFile[],
  journalId: Buffer | null,
  number: number,
  report: (found: Finding) => void,
): Promise<void> {
  for (const { slot, bytes, unreadable } of slots) {
    if (!unreadable) continue
    const file = await disk.open(slotPath(slot), 'read')
    try {
      const window = new Window(file)
      for (let at = segmentHeaderBytes; at < bytes; at += frameAlign) {
        const page = Buffer.from(await window.at(at, frameAlign))
        const id = journalId ?? readFrameHeader(page)?.journalId
        if (id === undefined || !provesDamage(page, 0, id, 0, number - 1)) continue
        const detail = 'the header of a segment fails its check, and later frames follow it'
        report(finding('loss', slotPath(slot), 0, segmentHeaderBytes, detail))
        break
      }
    } finally {
      await file.close()
    }
  }
}
