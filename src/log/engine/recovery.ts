import type { Disk } from '../../world/index.ts'
import { chainOf, DiskError } from '../../world/index.ts'
import {
  checkpointPath,
  checkpointPaths,
  footerOf,
  listCheckpoints,
  mendCheckpoint,
  owner,
  restoreCheckpoint,
  verifyCheckpoint,
  type CheckpointFooter,
} from '../checkpoint/index.ts'
import { Damaged, Mended } from '../damaged.ts'
import {
  frameAlign,
  frameLayout,
  segmentHeaderBytes,
  unknownIn,
  unsyncedFlag,
  type Expected,
  type SegmentHeader,
} from '../frame/index.ts'
import { FileWindow, walkSegment, type SegmentEnd } from '../journal/scan.ts'
import { checkUnreadable, listSlots, tooNew, type SlotFile } from '../journal/slot-files.ts'
import { slotPath } from '../journal/slots.ts'
import type { Spans } from '../span/host.ts'
import type { Machine } from '../store.ts'
import type { Partitions } from './partitions.ts'
import { writtenByNewer } from '../refused.ts'
import { Replay } from './replay.ts'
import type { HeldSegments } from './segments.ts'

const readStepBytes = 1024 * 1024

/** What is on the disk before anything was read in full. */
export interface Survey {
  slots: SlotFile[]
  /** By segment number. */
  segments: Map<number, SlotFile & { header: SegmentHeader }>
  /** Whole and usable, newest first, at most two. */
  checkpoints: CheckpointFooter[]
  nextCheckpoint: number
  /** Null: there is no journal yet. */
  journalId: Buffer | null
}

interface ActiveFound {
  segmentSeq: number
  slot: number
  header: SegmentHeader
  position: number
  /** Where the last write began that came before `position`. */
  lastWrite: number
}

export interface Recovered {
  /** What the next frame will carry. */
  expected: Expected
  epoch: number
  commit: number
  timeMs: number
  /** The segment to go on in, and where; null when there is none. */
  active: ActiveFound | null
  scanSegment: number
  /**
   * Commits were not synced one by one, and the power failed: what stands behind the last whole frame has holes. It must
   * be wiped before anything is written, or the next start would take it for proof of damage.
   */
  wipe: boolean
}

/** `report` learns what was damaged and cost nothing. */
export async function survey(disk: Disk, report: (error: Error) => void): Promise<Survey> {
  const slots = await listSlots(disk)
  const segments: Survey['segments'] = new Map()
  const { checkpoints, nextCheckpoint } = await usableCheckpoints(disk, report)
  let journalId = checkpoints[0]?.journalId ?? null
  for (const slot of slots) {
    const { header } = slot
    if (header === null) continue
    const why = tooNew(header)
    if (why !== null) throw writtenByNewer(why)
    journalId ??= header.journalId
    if (!header.journalId.equals(journalId)) {
      throw new Damaged(slotPath(slot.slot), 0, 'the segment belongs to another journal')
    }
    segments.set(header.segmentSeq, { ...slot, header })
  }
  return { slots, segments, checkpoints, nextCheckpoint, journalId }
}

async function usableCheckpoints(
  disk: Disk,
  report: (error: Error) => void,
): Promise<Pick<Survey, 'checkpoints' | 'nextCheckpoint'>> {
  const { numbers, others } = await listCheckpoints(disk)
  for (const path of others) await disk.remove(path)
  const checkpoints: CheckpointFooter[] = []
  const bad = new Map<number, Damaged>()
  const told = (number: number, damaged: Damaged): void => void bad.set(number, damaged)
  for (const number of numbers) {
    if (checkpoints.length === 2) break
    try {
      const footer = await footerOf(disk, number, (damaged) => told(number, damaged))
      await verifyCheckpoint(disk, footer, told)
      checkpoints.push(footer)
    } catch (error) {
      if (!(error instanceof Damaged) && !(error instanceof DiskError && error.kind === 'notFound')) throw error
    }
  }
  await removeUnwanted(disk, numbers, checkpoints)
  const wanted = new Set(checkpoints.flatMap((footer) => [footer.number, ...footer.bases]))
  for (const [number, damaged] of bad) if (wanted.has(number)) await mend(disk, number, damaged, report)
  return { checkpoints, nextCheckpoint: (numbers[0] ?? 0) + 1 }
}

/** What could not be written again is still read from the other file, and the next checkpoint is a whole new one. */
async function mend(disk: Disk, number: number, damaged: Damaged, report: (error: Error) => void): Promise<void> {
  try {
    await mendCheckpoint(disk, number)
    report(new Mended(`${damaged.message}; its other copy was whole, and it was written again`))
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    report(new Mended(`${damaged.message}; its other copy is whole; it cannot be written again: ${error.message}`))
  }
}

async function removeUnwanted(disk: Disk, numbers: number[], kept: CheckpointFooter[]): Promise<void> {
  const wanted = new Set(kept.flatMap((footer) => [footer.number, ...footer.bases]))
  // A damaged newest one stays for whoever looks into it; it is not counted.
  for (const number of numbers) {
    if (wanted.has(number) || number >= (kept[0]?.number ?? 0)) continue
    for (const path of checkpointPaths(number)) await disk.remove(path)
  }
}

/** Rebuilds the state: the newest checkpoint, then the journal after it, to its end. Writes nothing. */
export async function recover(
  disk: Disk,
  found: Survey,
  journalId: Buffer,
  machine: Machine,
  partitions: Partitions,
  held: HeldSegments,
  spans: Spans,
): Promise<Recovered> {
  const checkpoint = found.checkpoints[0] ?? null
  if (checkpoint !== null) {
    await restoreCheckpoint(disk, checkpoint, (record) => {
      const { object, part, frame, state } = record
      if (record.owner === owner.machine) machine.restore(object, part, frame, state)
      else if (record.owner === owner.partitions) partitions.restore(object, frame, state)
      else spans.restore(object, part, frame, state)
    })
  }
  const replay = new Replay(checkpoint?.beginCommit ?? 0, machine, partitions, spans)
  const walk = new JournalWalk(disk, found, journalId, checkpoint, replay, held, spans)
  return walk.run()
}

class JournalWalk {
  private readonly disk: Disk
  private readonly found: Survey
  private readonly checkpoint: CheckpointFooter | null
  private readonly replay: Replay
  private readonly held: HeldSegments
  private readonly expected: Expected
  private epoch = 0
  private timeMs = 0
  private sawBegin: boolean
  private wipe = false
  private readonly spans: Spans

  constructor(
    disk: Disk,
    found: Survey,
    journalId: Buffer,
    checkpoint: CheckpointFooter | null,
    replay: Replay,
    held: HeldSegments,
    spans: Spans,
  ) {
    this.disk = disk
    this.found = found
    this.checkpoint = checkpoint
    this.replay = replay
    this.held = held
    this.spans = spans
    this.sawBegin = checkpoint === null
    this.expected = { journalId, segmentSeq: 0, lsn: 0, number: 1, chain: Buffer.alloc(16) }
  }

  async run(): Promise<Recovered> {
    const { found, expected } = this
    const scanSegment = this.checkpoint?.scanSegment ?? 1
    let active: Recovered['active'] = null
    for (let seq = scanSegment; ; seq++) {
      const slot = found.segments.get(seq)
      if (slot === undefined) break
      const { header } = slot
      if (active === null) {
        Object.assign(expected, { lsn: header.startLsn, number: header.firstFrame, chain: header.chain })
      } else if (!this.follows(header)) {
        if (this.mayHaveHoles(active)) break
        throw new Damaged(slotPath(active.slot), active.position, `frame ${expected.number} is bad, later ones exist`)
      }
      expected.segmentSeq = seq
      this.epoch = Math.max(this.epoch, header.epoch)
      const { end, lastWrite } = await this.walk(slot)
      if (end.state === 'damaged' && this.mayHaveHoles({ segmentSeq: seq, header })) {
        active = { segmentSeq: seq, slot: slot.slot, position: end.position, lastWrite, header }
        this.wipe = true
        break
      }
      if (end.state === 'damaged') {
        throw new Damaged(slotPath(slot.slot), end.position, `frame ${expected.number} is bad, later ones exist`)
      }
      active = { segmentSeq: seq, slot: slot.slot, position: end.position, lastWrite, header }
    }
    await this.checkRest(scanSegment, active)
    return {
      expected,
      epoch: this.epoch,
      commit: Math.max(this.replay.commit, this.checkpoint?.endCommit ?? 0),
      timeMs: this.timeMs,
      active,
      scanSegment,
      wipe: this.wipe,
    }
  }

  /** Segments that the spans took over were synced before. */
  private mayHaveHoles({ segmentSeq, header }: { segmentSeq: number; header: SegmentHeader }): boolean {
    return (header.optionalFlags & unsyncedFlag) !== 0 && segmentSeq > this.spans.adoptedThrough
  }

  private follows(header: SegmentHeader): boolean {
    const { expected } = this
    return (
      header.firstFrame === expected.number &&
      header.startLsn === expected.lsn &&
      (expected.chain === null || header.chain.equals(expected.chain))
    )
  }

  private async walk(slot: SlotFile & { header: SegmentHeader }): Promise<{ end: SegmentEnd; lastWrite: number }> {
    const { segmentSeq, segmentBytes, frameBytesMax } = slot.header
    const held = this.held.begin(segmentSeq, slot.slot)
    const segment = { held, segmentBytes, frameBytesMax }
    const file = await this.disk.open(slotPath(slot.slot), 'read')
    try {
      const window = new FileWindow(file, Math.min(readStepBytes, segmentBytes))
      this.checkBegin()
      let lastWrite = 0
      const end = await walkSegment(window, segmentHeaderBytes, segmentBytes, this.expected, chainAfter, (frame) => {
        const { header } = frame
        const unknown = unknownIn(header)
        if (unknown !== null) throw writtenByNewer(unknown)
        this.checkBegin()
        this.epoch = Math.max(this.epoch, header.epoch)
        this.timeMs = header.commitTimeMs
        // The first frame of a segment is one write with its header.
        lastWrite = frame.position === segmentHeaderBytes ? 0 : frame.position
        this.replay.frame(frame, segment)
      })
      held.endPosition = end.position
      this.checkBegin()
      return { end, lastWrite }
    } finally {
      await file.close()
    }
  }

  /** The checkpoint must belong to this very journal: the chain at its beginning says so. */
  private checkBegin(): void {
    const { checkpoint, expected } = this
    if (checkpoint === null || expected.number !== checkpoint.beginFrame) return
    this.sawBegin = true
    if (expected.chain !== null && !checkpoint.chain.equals(expected.chain)) {
      throw new Damaged(checkpointPath(checkpoint.number), 0, 'it was made of another journal')
    }
  }

  /** Nothing of a later time may be left over: then something between is missing. */
  private async checkRest(scanSegment: number, active: Recovered['active']): Promise<void> {
    const { found, expected } = this
    const last = active?.segmentSeq ?? scanSegment - 1
    for (const [seq, slot] of found.segments) {
      if (seq <= last) continue
      if (active === null || !this.mayHaveHoles(active)) {
        throw new Damaged(slotPath(slot.slot), 0, `segment ${last + 1} is missing, segment ${seq} is there`)
      }
      this.wipe = true
    }
    if (this.wipe) return
    await checkUnreadable(this.disk, found.slots, expected.journalId, last, expected.number)
    if (!this.sawBegin) {
      throw new Damaged(
        checkpointPath(this.checkpoint!.number),
        0,
        `the journal ends before frame ${this.checkpoint!.beginFrame}`,
      )
    }
  }
}

const chainAfter = (frame: Buffer): Buffer => chainOf(frame.subarray(0, frameLayout.headerCrcAt))

/** Clears what stands behind the end of the journal: see `Recovered.wipe`. */
export async function wipeRest(disk: Disk, found: Survey, { active }: Recovered): Promise<void> {
  if (active === null) return
  for (const slot of found.slots) {
    if (slot.header === null || slot.header.segmentSeq <= active.segmentSeq) continue
    await clear(disk, slotPath(slot.slot), 0, segmentHeaderBytes)
    slot.header = null
  }
  const size = (await disk.stat(slotPath(active.slot)))?.bytes ?? 0
  await clear(disk, slotPath(active.slot), active.position, size)
}

async function clear(disk: Disk, path: string, from: number, to: number): Promise<void> {
  const file = await disk.open(path, 'write')
  const zeros = Buffer.alloc(256 * frameAlign)
  try {
    for (let at = from; at < to; at += zeros.length)
      await file.write(zeros.subarray(0, Math.min(zeros.length, to - at)), at)
    await file.sync()
  } finally {
    await file.close()
  }
}
