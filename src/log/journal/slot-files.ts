import type { Disk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import {
  frameAlign,
  journalMajor,
  provesDamage,
  readFrameHeader,
  readSegmentHeader,
  segmentHeaderBytes,
  type SegmentHeader,
} from '../frame/index.ts'
import { FileWindow } from './scan.ts'
import { slotFolder, slotOfName, slotPath } from './slots.ts'

/** A slot file as found at the start. */
export interface SlotFile {
  slot: number
  bytes: number
  /** Null: no segment begins here, or its header was torn or damaged. */
  header: SegmentHeader | null
  /** The header page is neither a header nor zeros. */
  unreadable: boolean
}

const zeros = Buffer.alloc(frameAlign)

export async function listSlots(disk: Disk): Promise<SlotFile[]> {
  const slots: SlotFile[] = []
  for (const name of await disk.list(slotFolder)) {
    const slot = slotOfName(name)
    if (slot < 0) continue
    const file = await disk.open(slotPath(slot), 'read')
    try {
      const page = Buffer.alloc(segmentHeaderBytes)
      const filled = await file.read(page, 0)
      const header = readSegmentHeader(page)
      const unreadable = header === null && !page.equals(zeros)
      slots.push({ slot, bytes: filled === 0 ? 0 : await file.bytes(), header, unreadable })
    } finally {
      await file.close()
    }
  }
  return slots
}

/** What this release cannot read, or null. */
export function tooNew(header: SegmentHeader): string | null {
  if (header.major > journalMajor) return `the journal has format ${header.major}.${header.minor}`
  return header.requiredFlags === 0 ? null : `the journal has required flags ${header.requiredFlags.toString(16)}`
}

/**
 * Rejects with `Damaged` when a slot without a readable header holds a frame with a number above `number`; of any
 * journal when `journalId` is null.
 */
export async function checkUnreadable(
  disk: Disk,
  slots: readonly SlotFile[],
  journalId: Buffer | null,
  segmentSeq: number,
  number: number,
): Promise<void> {
  for (const slot of slots) {
    if (!slot.unreadable) continue
    const file = await disk.open(slotPath(slot.slot), 'read')
    try {
      const window = new FileWindow(file, 1024 * 1024)
      for (let at = segmentHeaderBytes; at < slot.bytes; at += frameAlign) {
        const page = await window.at(at, frameAlign)
        const id = journalId ?? readFrameHeader(page)?.journalId
        if (id !== undefined && provesDamage(page, 0, id, segmentSeq, number)) {
          throw new Damaged(slotPath(slot.slot), 0, 'the header of a segment with later frames fails its check')
        }
      }
    } finally {
      await file.close()
    }
  }
}
