import { MalformedError } from '../../base/index.ts'
import { frameHeaderBytes, frameKind } from '../frame/index.ts'
import { PayloadRuns, sharedPositions, type SealedCommit } from './commit.ts'
import type { WalkedFrame } from './scan.ts'

/** The frames of one commit, and what the caller knows of the place of each. */
export interface Assembled<Place> {
  frames: WalkedFrame[]
  places: Place[]
}

/** Joins the frames of commits. A commit whose parts are followed by anything but the next one does not count (F5). */
export class Assembler<Place> {
  private pending: Assembled<Place> | null = null

  /** True in the middle of a commit. */
  get open(): boolean {
    return this.pending !== null
  }

  /** The whole commit when this is its last frame. */
  add(frame: WalkedFrame, place: Place): Assembled<Place> | null {
    const { header } = frame
    const { pending } = this
    this.pending = null
    if (header.kind !== frameKind.data) return null
    if (header.part === 0) {
      this.pending = { frames: [frame], places: [place] }
    } else {
      const first = pending?.frames[0]?.header
      if (first?.commit !== header.commit || pending!.frames.length !== header.part) return null
      pending!.frames.push(frame)
      pending!.places.push(place)
      this.pending = pending
    }
    if (this.pending!.frames.length < header.parts) return null
    const whole = this.pending
    this.pending = null
    return whole
  }
}

/** The commit that the frames hold, as it was sealed. */
export function joinFrames(frames: readonly WalkedFrame[]): SealedCommit {
  const { header, bytes } = frames[0]!
  if (Number.isNaN(header.commit)) throw new MalformedError('a commit without a number')
  const payload = new PayloadRuns()
  const single = frames.length === 1
  const payloads = frames.map((frame) => frame.bytes.subarray(frameHeaderBytes + frame.header.tableBytes))
  const joined = single ? payloads[0]! : Buffer.concat(payloads)
  if (joined.length > 0) payload.push(joined)
  const heads = frames.map((frame, i) =>
    frame.bytes.subarray(i === 0 ? 0 : frameHeaderBytes, frameHeaderBytes + frame.header.tableBytes),
  )
  const head = single ? bytes.subarray(0, frameHeaderBytes + header.tableBytes) : Buffer.concat(heads)
  const shared = sharedPositions(head.subarray(frameHeaderBytes))
  return { number: header.commit, timeMs: header.commitTimeMs, head, payload, shared }
}
