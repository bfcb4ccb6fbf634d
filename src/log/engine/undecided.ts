import { DiskError, type Disk } from '../../world/index.ts'
import { frameAlign, readFrameHeader, readSegmentHeader } from '../frame/index.ts'
import { cutFile } from '../journal/cut.ts'
import type { Undecided } from '../journal/journal.ts'
import { slotPath } from '../journal/slots.ts'

/**
 * What a write that failed has left may look whole and not be on the disk: later frames would stand on nothing. It was
 * never acknowledged, so it goes, before anything is read. What somebody has put into the folder meanwhile stays.
 */
export async function takeAway(disk: Disk, undecided: Undecided): Promise<void> {
  const { place } = undecided
  if (place === null) return
  const path = slotPath(place.slot)
  try {
    if (await isOurs(disk, path, place)) await cutFile(disk, path, place.position)
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind !== 'notFound') throw error
  }
  undecided.place = null
}

type Place = NonNullable<Undecided['place']>

/** False when something whole stands there that is not what was being written. */
async function isOurs(disk: Disk, path: string, { position, segmentSeq, number }: Place): Promise<boolean> {
  const page = Buffer.alloc(frameAlign)
  const file = await disk.open(path, 'read')
  try {
    await file.read(page, position)
  } finally {
    await file.close()
  }
  if (position === 0) return (readSegmentHeader(page)?.segmentSeq ?? segmentSeq) === segmentSeq
  const found = readFrameHeader(page)
  return found === null || (found.segmentSeq === segmentSeq && found.number === number)
}
