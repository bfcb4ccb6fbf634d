import { chainOf } from '../../world/index.ts'
import {
  aligned,
  bodyGood,
  bridgeFlag,
  fits,
  frameAlign,
  frameBytes,
  frameLayout,
  frameMagic,
  judgeHeader,
  readFrameHeader,
  readU64,
  segmentSeqAt,
  segmentHeaderBytes,
  unknownIn,
  type Expected,
  type FrameHeader,
  type SegmentHeader,
} from '../frame/index.ts'
import { writtenByNewer } from '../refused.ts'
import type { Window } from './window.ts'

/** A stretch of a segment where frames were and are not whole any more. */
export interface BadStretch {
  from: number
  /** Where the next good frame begins; the end of the segment's frames when there is none. */
  to: number
  firstFrame: number
  /** The last one that is missing; unknown (-1) when no good frame follows. */
  lastFrame: number
  /** `lsn` of the first missing frame, and of the first good one after it (-1 when unknown). */
  firstLsn: number
  nextLsn: number
  /** Chain of the frame before; null when that is not known. */
  chain: Buffer | null
  /** What the frames around it carry. */
  epoch: number
  commit: number
  timeMs: number
}

export interface FrameVisitor {
  /** `bytes`: the whole frame without padding; valid until it returns. */
  frame(header: FrameHeader, bytes: Buffer, position: number): void
  bad(stretch: BadStretch): void
  /** Before `bad`: the bytes from the start of the first bad frame on. Perhaps its table is whole. */
  suspect(bytes: Buffer): void
  /** A byte of the padding is not zero. */
  padding(position: number): void
}

export interface WalkEnd {
  position: number
  /** What the next frame would carry. */
  expected: Expected
  /** The last good frame of the segment. */
  last: FrameHeader | null
  /** A frame of this segment was begun here: a torn tail, if this is where the journal ends. */
  torn: boolean
}

/** Walks all frames of a segment, and goes on after bad ones as far as there are good ones again. */
export async function walkAll(
  window: Window,
  { journalId, segmentSeq, startLsn, firstFrame, chain, segmentBytes }: SegmentHeader,
  visitor: FrameVisitor,
): Promise<WalkEnd> {
  const expected: Expected = { journalId, segmentSeq, lsn: startLsn, number: firstFrame, chain }
  let at = segmentHeaderBytes
  let last: FrameHeader | null = null
  for (;;) {
    const page = Buffer.from(await window.at(at, frameAlign))
    if (page.length === 0) return { position: at, expected, last, torn: false }
    const found = judgeHeader(page, 0, expected)
    if (found.found === 'frame' && (await visitFrame(window, found.header, at, segmentBytes, visitor))) {
      expected.number++
      expected.lsn += frameBytes(found.header)
      expected.chain =
        (found.header.flags & bridgeFlag) === 0 ? chainOf(page.subarray(0, frameLayout.headerCrcAt)) : null
      last = found.header
      at += aligned(frameBytes(found.header))
      continue
    }
    const next = await nextGood(window, at + frameAlign, segmentBytes, expected)
    if (next === null) return { position: at, expected, last, torn: begun(page, segmentSeq) }
    visitor.suspect(await window.at(at, Math.min(suspectBytesMax, next.position - at)))
    visitor.bad({ ...stretchAt(at, expected, last), to: next.position, ...upTo(next.header) })
    Object.assign(expected, { number: next.header.number, lsn: next.header.lsn, chain: null })
    at = next.position
  }
}

/** So much of a bad frame is searched for its table. */
const suspectBytesMax = 1024 * 1024

/** What is known of the beginning of a bad stretch. */
export const stretchAt = (
  from: number,
  { number, lsn, chain }: Expected,
  last: FrameHeader | null,
): Omit<BadStretch, 'to' | 'lastFrame' | 'nextLsn'> => ({
  from,
  firstFrame: number,
  firstLsn: lsn,
  chain,
  epoch: last?.epoch ?? 0,
  commit: last?.commit ?? 0,
  timeMs: last?.commitTimeMs ?? 0,
})

const upTo = (next: FrameHeader): Pick<BadStretch, 'lastFrame' | 'nextLsn'> => ({
  lastFrame: next.number - 1,
  nextLsn: next.lsn,
})

/** A recycled slot may have any bytes of older frames here, so only our own number tells a frame that was begun. */
const begun = (page: Buffer, segmentSeq: number): boolean =>
  page.readUInt32LE(0) === frameMagic && readU64(page, segmentSeqAt) === segmentSeq

/** False when its body fails its checksum. */
async function visitFrame(
  window: Window,
  header: FrameHeader,
  at: number,
  segmentBytes: number,
  visitor: FrameVisitor,
): Promise<boolean> {
  if (!fits(header, at, segmentBytes)) return false
  const bytes = frameBytes(header)
  const padded = await window.at(at, aligned(bytes))
  if (!bodyGood(padded, header)) return false
  const dirty = padded.subarray(bytes).findIndex((byte) => byte !== 0)
  if (dirty >= 0) visitor.padding(at + bytes + dirty)
  const unknown = unknownIn(header)
  if (unknown !== null) throw writtenByNewer(unknown)
  visitor.frame(header, padded.subarray(0, bytes), at)
  return true
}

async function nextGood(
  window: Window,
  from: number,
  segmentBytes: number,
  expected: Expected,
): Promise<{ header: FrameHeader; position: number } | null> {
  for (let at = from; at < segmentBytes; at += frameAlign) {
    const header = readFrameHeader(Buffer.from(await window.at(at, frameAlign)))
    if (header === null || !header.journalId.equals(expected.journalId)) continue
    if (header.segmentSeq !== expected.segmentSeq || header.number <= expected.number) continue
    if (!fits(header, at, segmentBytes)) continue
    if (bodyGood(await window.at(at, frameBytes(header)), header)) return { header, position: at }
  }
  return null
}
