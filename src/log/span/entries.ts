import { Reader, type Writer } from '../../base/index.ts'
import type { Fragment } from '../frame/index.ts'
import type { LocatedExtent } from './located-extent.ts'

/** A chunk is closed when its entries pass this, so that finding one offset decodes a few hundred at most. */
export const chunkBytesTarget = 4096

/**
 * The entries of one chunk: extents of one partition in the order of their offsets, each as the difference to the one
 * before (to zeros, and to the chunk's first offset, at the beginning):
 *
 *   gap uvarint (base offset - end offset before) | count uvarint | maxTimestamp varint | appendTime varint
 *   flags uvarint | pieces * 2 + shared uvarint
 *   per piece: segmentsOn uvarint, position varint (- end of the piece before), bytes uvarint
 *   crc 4 LE | metaBytes uvarint | meta
 */
export class EntryEncoder {
  readonly out: Writer
  count = 0
  private endOffset = 0
  private maxTimestamp = 0
  private appendTime = 0
  private pieceEnd = 0

  constructor(out: Writer) {
    this.out = out
  }

  /** Begins a chunk whose first extent begins at `firstOffset`. */
  begin(firstOffset: number): void {
    this.out.reset()
    this.count = 0
    this.endOffset = firstOffset
    this.maxTimestamp = 0
    this.appendTime = 0
    this.pieceEnd = 0
  }

  add(extent: LocatedExtent): void {
    const out = this.out
    out.uvarint(extent.baseOffset - this.endOffset)
    out.uvarint(extent.count)
    out.varint(extent.maxTimestamp - this.maxTimestamp)
    out.varint(extent.appendTime - this.appendTime)
    out.uvarint(extent.flags)
    out.uvarint(extent.pieces.length * 2 + (extent.shared ? 1 : 0))
    for (const piece of extent.pieces) {
      out.uvarint(piece.segmentsOn)
      out.varint(piece.position - this.pieceEnd)
      out.uvarint(piece.bytes)
      this.pieceEnd = piece.position + piece.bytes
    }
    out.u32LE(extent.crc)
    out.sized(extent.meta)
    this.endOffset = extent.baseOffset + extent.count
    this.maxTimestamp = extent.maxTimestamp
    this.appendTime = extent.appendTime
    this.count++
  }
}

/** All extents of a chunk; metas are slices of `bytes`. Throws `MalformedError`, though the CRC should have said so. */
export function decodeEntries(bytes: Buffer, firstOffset: number): LocatedExtent[] {
  const reader = new Reader(bytes)
  const extents: LocatedExtent[] = []
  let endOffset = firstOffset
  let maxTimestamp = 0
  let appendTime = 0
  let pieceEnd = 0
  while (reader.remaining > 0) {
    const baseOffset = endOffset + reader.uvarint()
    const count = reader.uvarint()
    maxTimestamp += reader.varint()
    appendTime += reader.varint()
    const flags = reader.uvarint()
    const piecesAndShared = reader.uvarint()
    const pieces: Fragment[] = []
    let payloadBytes = 0
    for (let n = piecesAndShared >>> 1; n > 0; n--) {
      const segmentsOn = reader.uvarint()
      const position = pieceEnd + reader.varint()
      const pieceBytes = reader.uvarint()
      pieces.push({ segmentsOn, position, bytes: pieceBytes })
      pieceEnd = position + pieceBytes
      payloadBytes += pieceBytes
    }
    const crc = reader.u32LE()
    const meta = reader.sized()
    const shared = piecesAndShared % 2 === 1
    extents.push({ baseOffset, count, maxTimestamp, appendTime, flags, meta, pieces, bytes: payloadBytes, crc, shared })
    endOffset = baseOffset + count
  }
  return extents
}
