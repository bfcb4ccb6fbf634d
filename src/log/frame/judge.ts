import { crc32c } from '../../base/index.ts'
import { aligned, frameAlign, frameBytes, frameHeaderBytes, readFrameHeader, type FrameHeader } from './header.ts'

/** What must stand at the next position of a journal, if anything does. */
export interface Expected {
  journalId: Buffer
  segmentSeq: number
  lsn: number
  number: number
  /** Of the frame before; null when it is not known (a scan that begins in the middle). */
  chain: Buffer | null
}

/**
 * What stands at a position, before the rest of the segment is looked at:
 * `frame`: it is the next one, its body still to be checked; `end`: zeros or an older frame of the recycled slot;
 * `other`: anything else, so torn or damaged.
 */
export type Found = { found: 'frame'; header: FrameHeader } | { found: 'end' } | { found: 'other' }

const zeros = Buffer.alloc(frameAlign)

/** `at` is a 4 KiB boundary, and `bytes` holds the 4 KiB from there on, or all there is. */
export function judgeHeader(bytes: Buffer, at: number, expected: Expected): Found {
  const page = bytes.subarray(at, at + frameAlign)
  const header = readFrameHeader(page)
  if (header === null) return page.equals(zeros.subarray(0, page.length)) ? { found: 'end' } : { found: 'other' }
  if (!header.journalId.equals(expected.journalId)) return { found: 'other' }
  if (header.segmentSeq < expected.segmentSeq) return { found: 'end' }
  const follows =
    header.segmentSeq === expected.segmentSeq &&
    header.number === expected.number &&
    header.lsn === expected.lsn &&
    (expected.chain === null || header.chain.equals(expected.chain))
  return follows ? { found: 'frame', header } : { found: 'other' }
}

/** `frame` holds the whole frame, from its header on. */
export const bodyGood = (frame: Buffer, header: FrameHeader): boolean =>
  frame.length >= frameBytes(header) && crc32c(frame.subarray(frameHeaderBytes, frameBytes(header))) === header.bodyCrc

/** Could a frame with these lengths stand at `position`? A header with a good CRC always says yes. */
export const fits = (header: FrameHeader, position: number, segmentBytes: number): boolean =>
  position + aligned(frameBytes(header)) <= segmentBytes

/**
 * Is the page at `at` the header of a frame of this journal with a number above `number`, in a segment not before
 * `segmentSeq`? One such frame proves that what is bad before it was once whole: damage, not a torn tail.
 */
export function provesDamage(
  bytes: Buffer,
  at: number,
  journalId: Buffer,
  segmentSeq: number,
  number: number,
): boolean {
  const header = readFrameHeader(bytes, at)
  return (
    header !== null && header.journalId.equals(journalId) && header.segmentSeq >= segmentSeq && header.number > number
  )
}
