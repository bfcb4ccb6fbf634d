import { assert } from '../../base/index.ts'
import { aligned, frameHeaderBytes } from './header.ts'
import { segmentHeaderBytes } from './segment-header.ts'

/**
 * How a commit's body (its table, then its payload) lies in frames (F5). With frames of at most `frameBytesMax` bytes
 * (a multiple of 4 KiB), every part but the last is exactly full:
 *
 *   body:    |<-- frameBytesMax - 128 -->|<-- frameBytesMax - 128 -->|<- rest ->|
 *   frames:  |H|.........................|H|.........................|H|........|
 *
 * A frame goes where the one before ended, or, where it would not fit, to the start of the next segment. So where
 * each byte of a commit lies follows from where its first frame lies.
 */
export const bodyBytesMax = (frameBytesMax: number): number => frameBytesMax - frameHeaderBytes

export const partsOf = (bodyBytes: number, frameBytesMax: number): number =>
  Math.max(1, Math.ceil(bodyBytes / bodyBytesMax(frameBytesMax)))

/** Position for a frame of `bytes` (unpadded) that follows at `position`, or -1: in the next segment. */
export const placeFrame = (position: number, bytes: number, segmentBytes: number): number =>
  position + aligned(bytes) <= segmentBytes ? position : -1

export interface Fragment {
  /** How many segments after the one that holds the commit's first frame. */
  segmentsOn: number
  position: number
  bytes: number
}

/** Where a commit's first frame lies, and all that its other parts depend on. Segments that follow have one size. */
export interface CommitPlace {
  position: number
  segmentBytes: number
  frameBytesMax: number
  /** Table and payload of all parts. */
  bodyBytes: number
}

/** The pieces of the file that hold `bytes` of the body from `bodyPos` on. One piece, unless the commit has parts. */
export function fragmentsOf(place: CommitPlace, bodyPos: number, bytes: number): Fragment[] {
  assert(bodyPos + bytes <= place.bodyBytes, 'fragment outside its commit')
  const share = bodyBytesMax(place.frameBytesMax)
  const fragments: Fragment[] = []
  let segmentsOn = 0
  let position = place.position
  const end = bodyPos + bytes
  for (let from = 0; from < end; from += share) {
    const partBytes = Math.min(share, place.bodyBytes - from)
    if (placeFrame(position, frameHeaderBytes + partBytes, place.segmentBytes) < 0) {
      segmentsOn++
      position = segmentHeaderBytes
    }
    const first = Math.max(from, bodyPos)
    const last = Math.min(from + partBytes, end)
    if (last > first) {
      fragments.push({ segmentsOn, position: position + frameHeaderBytes + first - from, bytes: last - first })
    }
    position += aligned(frameHeaderBytes + partBytes)
  }
  return fragments
}
