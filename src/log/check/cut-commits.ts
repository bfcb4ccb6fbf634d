import type { Disk } from '../../world/index.ts'
import { indexFrames } from '../engine/scan-segment.ts'
import { slotPath } from '../journal/slots.ts'
import type { LocatedExtent, SegmentIndex } from '../span/index.ts'
import type { Segment } from './check-journal.ts'
import type { LostRange } from './finding.ts'
import { walkAll } from './walk-segment.ts'
import { Window } from './window.ts'

export interface Indexed {
  partition: number
  extent: LocatedExtent
}

export const rangeOf = ({ partition, extent: { baseOffset, count } }: Indexed): LostRange => ({
  partition,
  first: baseOffset,
  last: baseOffset + count - 1,
})

/**
 * What the index of a segment names and one that is made again from its frames would not. A frame that is bad takes the
 * whole of its commit along, also those of its frames that are good, in this segment and in those that follow.
 */
export async function cutCommits(
  disk: Disk,
  segments: ReadonlyMap<number, Segment>,
  segmentSeq: number,
  index: readonly Indexed[],
): Promise<LostRange[]> {
  const whole = await indexFrames(segmentSeq, async (seq, visit) => {
    const segment = segments.get(seq)
    if (segment === undefined) return false
    const file = await disk.open(slotPath(segment.slot), 'read')
    try {
      await walkAll(new Window(file), segment.header, {
        frame: (header, bytes, position) => visit({ header, bytes: Buffer.from(bytes), position }, segment.header),
        suspect() {},
        bad() {},
        padding() {},
      })
    } finally {
      await file.close()
    }
    return true
  })
  return index.filter((each) => whole === null || !names(whole, each)).map(rangeOf)
}

function names(index: SegmentIndex, { partition, extent: { baseOffset } }: Indexed): boolean {
  const nth = index.find(partition, baseOffset)
  return nth < index.extentCount(partition) && index.extent(partition, nth).baseOffset === baseOffset
}
