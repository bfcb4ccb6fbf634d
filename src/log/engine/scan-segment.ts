import { chainOf, type Disk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import {
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

/** Indexes a sealed segment again from its frames, and those of the segments after it that a large commit ran on into. */
export async function scanSegment(
  disk: Disk,
  slotOf: (segmentSeq: number) => number | undefined,
  slot: number,
  segmentSeq: number,
): Promise<SegmentIndex> {
  const index = new SegmentIndex(segmentSeq)
  const assembler = new Assembler<number>()
  let at: number | undefined = slot
  for (let seq = segmentSeq; at !== undefined && (seq === segmentSeq || assembler.open); at = slotOf(++seq)) {
    const header = await walkOne(disk, at, seq, (frame, { segmentBytes, frameBytesMax }) => {
      const whole = assembler.add(frame, seq)
      if (whole === null || whole.places[0] !== segmentSeq) return
      const { position } = whole.frames[0]!
      indexCommit(index, joinFrames(whole.frames), position, segmentBytes, frameBytesMax, () => undefined)
    })
    if (header === null && seq === segmentSeq) throw new Damaged(slotPath(slot), 0, `segment ${segmentSeq} is not here`)
    if (header === null) break
  }
  return index
}
