import type { DiskFile } from '../../world/index.ts'
import {
  aligned,
  bodyGood,
  bridgeFlag,
  fits,
  frameAlign,
  frameBytes,
  judgeHeader,
  provesDamage,
  type Expected,
  type FrameHeader,
} from '../frame/index.ts'

/** How the walk through a segment's frames ended, at a position where no next frame stands. */
export interface SegmentEnd {
  position: number
  /** Zeros or old bytes, torn bytes, or bytes that were once whole: see the table in the head note of `walkSegment`. */
  state: 'clean' | 'torn' | 'damaged'
}

/** Reads a file in large steps, and lets a frame be looked at in place. */
export class FileWindow {
  private readonly file: DiskFile
  private readonly stepBytes: number
  private buffer: Buffer
  private start = 0
  private filled = 0

  constructor(file: DiskFile, stepBytes: number) {
    this.file = file
    this.stepBytes = stepBytes
    this.buffer = Buffer.alloc(0)
  }

  /** The same without waiting, or null when it must be read first: a promise for each frame would cost more than it. */
  have(position: number, bytes: number): Buffer | null {
    const from = position - this.start
    return from < 0 || from + bytes > this.filled ? null : this.buffer.subarray(from, from + bytes)
  }

  /** The `bytes` at `position`, fewer at the end of the file; valid for as long as the caller keeps them. */
  async at(position: number, bytes: number): Promise<Buffer> {
    if (position < this.start || position + bytes > this.start + this.filled) {
      // A new buffer each time: slices of the one before may still be in use.
      this.buffer = Buffer.allocUnsafe(Math.max(bytes, this.stepBytes))
      this.start = position
      this.filled = await this.file.read(this.buffer, position)
    }
    const from = position - this.start
    return this.buffer.subarray(from, Math.min(from + bytes, this.filled))
  }
}

export interface WalkedFrame {
  header: FrameHeader
  position: number
  /** The whole frame without its padding. */
  bytes: Buffer
}

/**
 * Walks the frames of one segment from `position` on, and decides what the place where they end means:
 *
 *   zeros, or a good header of an older segment     clean end (recycled bytes are told by segment and number)
 *   anything else                                   torn tail, cut here,
 *   either, and a good frame of this journal with   damage: it was once whole, for only one frame is in flight,
 *   a higher number stands after it                 and so the later one was written after it was acknowledged
 *
 * `expected` is moved on with each frame. `visit` may be asynchronous.
 */
export async function walkSegment(
  window: FileWindow,
  position: number,
  segmentBytes: number,
  expected: Expected,
  chainAfter: (frame: Buffer) => Buffer,
  visit: (frame: WalkedFrame) => void | Promise<void>,
): Promise<SegmentEnd> {
  let at = position
  for (;;) {
    const page = window.have(at, frameAlign) ?? (await window.at(at, frameAlign))
    const found = page.length === 0 ? null : judgeHeader(page, 0, expected)
    if (found === null) return { position: at, state: 'clean' }
    if (found.found === 'frame' && fits(found.header, at, segmentBytes)) {
      const size = frameBytes(found.header)
      const bytes = window.have(at, size) ?? (await window.at(at, size))
      if (bodyGood(bytes, found.header)) {
        const { header } = found
        const visiting = visit({ header, position: at, bytes })
        if (visiting instanceof Promise) await visiting
        expected.number++
        expected.lsn += frameBytes(header)
        expected.chain = (header.flags & bridgeFlag) === 0 ? chainAfter(bytes) : null
        at += aligned(frameBytes(header))
        continue
      }
    }
    if (await laterFrame(window, at, segmentBytes, expected)) return { position: at, state: 'damaged' }
    return { position: at, state: found.found === 'end' ? 'clean' : 'torn' }
  }
}

/** Is there a good frame with a number above the expected one at or after `from`? */
export async function laterFrame(
  window: FileWindow,
  from: number,
  segmentBytes: number,
  expected: Pick<Expected, 'journalId' | 'segmentSeq' | 'number'>,
): Promise<boolean> {
  for (let at = from; at < segmentBytes; at += frameAlign) {
    const page = window.have(at, frameAlign) ?? (await window.at(at, frameAlign))
    if (page.length === 0) return false
    if (provesDamage(page, 0, expected.journalId, expected.segmentSeq, expected.number)) return true
  }
  return false
}
