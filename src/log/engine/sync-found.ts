import type { Disk } from '../../world/index.ts'
import { unsyncedFlag } from '../frame/index.ts'
import { syncFile, writeAgain } from '../journal/cut.ts'
import { slotPath } from '../journal/slots.ts'
import type { Recovered, Survey } from './recovery.ts'
import type { HeldSegments } from './segments.ts'

/**
 * Puts on the disk what was found of the journal: from here on it counts as durable, and files are removed on the
 * strength of its entries. A process that died may have left it in the page cache alone.
 *
 * Where commits are synced one by one that is the last of them, and it is written again: after a failed sync its pages
 * are read as whole, count as clean, and are written by no further sync (F10). Where they are not, it may be all that
 * the spans have not taken over.
 */
export async function syncFound(
  disk: Disk,
  { segments }: Survey,
  { active }: Recovered,
  held: HeldSegments,
  adoptedThrough: number,
): Promise<void> {
  for (const { segmentSeq, slot } of held.list) {
    if (segmentSeq <= adoptedThrough || segmentSeq === active?.segmentSeq) continue
    if ((segments.get(segmentSeq)!.header.optionalFlags & unsyncedFlag) !== 0) await syncFile(disk, slotPath(slot))
  }
  if (active !== null) await writeAgain(disk, slotPath(active.slot), active.lastWrite, active.position)
}
