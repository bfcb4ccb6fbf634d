import { chainOf } from '../../world/index.ts'
import {
  aligned,
  bodyGood,
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
  type Expected,
  type FrameHeader,
  type SegmentHeader,
} from '../frame/index.ts'
import type { Window } from './window.ts'

/** A stretch of a segment where frames were and are not whole any more. */
export interface BadStretch {
  from: number
  /** Where the next good frame begins; the end of the segment's frames when there is none. */
  to: number
  firstFrame: number
  /** The last one that is missing; unknown (-1) when no good frame follows. */
  lastFrame: number
}

export interface FrameVisitor {
  /** `bytes`: the whole frame without padding; valid until it returns. */
  frame(header: FrameHeader, bytes: Buffer, position: number): void
  bad(stretch: BadStretch): void
  /** Before `bad`: a frame whose header is whole and whose body is not. Perhaps its table is. */
  suspect(header: FrameHeader, bytes: Buffer): void
  /** A byte of the padding is not zero. */
  padding(position: number): void
}

export interface WalkEnd {
  position: number
  /** What the next frame would carry. */
  expected: Expected
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
  for (;;) {
    const page = Buffer.from(await window.at(at, frameAlign))
    if (page.length === 0) return { position: at, expected, torn: false }
    const found = judgeHeader(page, 0, expected)
    if (found.found === 'frame' && (await visitFrame(window, found.header, at, segmentBytes, visitor))) {
      expected.number++
      expected.lsn += frameBytes(found.header)
      expected.chain = chainOf(page.subarray(0, frameLayout.headerCrcAt))
      at += aligned(frameBytes(found.header))
      continue
    }
    const next = await nextGood(window, at + frameAlign, segmentBytes, expected)
    if (next === null) return { position: at, expected, torn: begun(page, segmentSeq) }
    if (found.found === 'frame') visitor.suspect(found.header, await window.at(at, frameBytes(found.header)))
    visitor.bad({ from: at, to: next.position, firstFrame: expected.number, lastFrame: next.header.number - 1 })
    Object.assign(expected, { number: next.header.number, lsn: next.header.lsn, chain: null })
    at = next.position
  }
}

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
