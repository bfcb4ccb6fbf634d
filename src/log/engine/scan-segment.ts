import { chainOf, type Disk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import {
  bridgeFlag,
  frameLayout,
  readSegmentHeader,
  segmentHeaderBytes,
  type Expected,
  type SegmentHeader,
} from '../frame/index.ts'
import { Assembler, joinFrames } from '../journal/assembler.ts'
import { FileWindow, walkSegment, type WalkedFrame } from '../journal/scan.ts'
import { slotPath } from '../journal/slots.ts'
import { SegmentIndex } from '../span/index.ts'
import { indexCommit } from './segments.ts'

const readStepBytes = 1024 * 1024

/** Walks one segment from its header on; null when the slot does not hold it. */
export async function walkOne(
  disk: Disk,
  slot: number,
  segmentSeq: number,
  visit: (frame: WalkedFrame, header: SegmentHeader) => void,
): Promise<SegmentHeader | null> {
  const file = await disk.open(slotPath(slot), 'read')
  try {
    const page = Buffer.alloc(segmentHeaderBytes)
    await file.read(page, 0)
    const header = readSegmentHeader(page)
    if (header === null || header.segmentSeq !== segmentSeq) return null
    const { journalId, startLsn: lsn, firstFrame: number, chain, segmentBytes } = header
    const expected: Expected = { journalId, segmentSeq, lsn, number, chain }
    const window = new FileWindow(file, readStepBytes)
    const chainAfter = (frame: Buffer): Buffer => chainOf(frame.subarray(0, frameLayout.headerCrcAt))
    const end = await walkSegment(window, segmentHeaderBytes, segmentBytes, expected, chainAfter, (frame) =>
      visit(frame, header),
    )
    if (end.state === 'damaged') throw new Damaged(slotPath(slot), end.position, `frame ${expected.number} is bad`)
    return header
  } finally {
    await file.close()
  }
}

/** Shows all frames of a segment, which it may keep, in order; false when the segment is not there. */
export type Walk = (segmentSeq: number, visit: (frame: WalkedFrame, header: SegmentHeader) => void) => Promise<boolean>

/**
 * Indexes a segment from its frames, and those of the segments after it that a large commit ran on into: the commits that
 * begin there and are whole. Null when it is not there.
 */
export async function indexFrames(segmentSeq: number, walk: Walk): Promise<SegmentIndex | null> {
  const index = new SegmentIndex(segmentSeq)
  const assembler = new Assembler<number>()
  for (let seq = segmentSeq; seq === segmentSeq || assembler.open; seq++) {
    const found = await walk(seq, (frame, { segmentBytes, frameBytesMax }) => {
      if ((frame.header.flags & bridgeFlag) !== 0) index.repaired = true
      const whole = assembler.add(frame, seq)
      if (whole === null || whole.places[0] !== segmentSeq) return
      const { position } = whole.frames[0]!
      indexCommit(index, joinFrames(whole.frames), position, segmentBytes, frameBytesMax, () => undefined)
    })
    if (!found && seq === segmentSeq) return null
    if (!found) break
  }
  return index
}

/** Indexes a sealed segment again. */
export async function scanSegment(
  disk: Disk,
  slotOf: (segmentSeq: number) => number | undefined,
  slot: number,
  segmentSeq: number,
): Promise<SegmentIndex> {
  const index = await indexFrames(segmentSeq, async (seq, visit) => {
    const at = seq === segmentSeq ? slot : slotOf(seq)
    return at !== undefined && (await walkOne(disk, at, seq, visit)) !== null
  })
  if (index === null) throw new Damaged(slotPath(slot), 0, `segment ${segmentSeq} is not here`)
  return index
}
