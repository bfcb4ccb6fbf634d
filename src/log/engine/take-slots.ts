import type { Slots } from '../journal/slots.ts'
import type { Spans } from '../span/index.ts'
import type { Survey } from './recovery.ts'
import type { Retirement } from './retirement.ts'
import type { HeldSegments } from './segments.ts'

interface SlotRoom {
  slots: Slots
  retirement: Retirement
  spans: Spans
  held: HeldSegments
  /** The one to go on in, and the size that it grows to. */
  activeSeq: number
  slotBytes: number
}

/** What becomes of the slots that a start has found: they stay, or are free, or will be when checkpoints allow it. */
export async function takeSlots(room: SlotRoom, found: Survey): Promise<void> {
  const { slots, retirement, spans, held, activeSeq, slotBytes } = room
  // A recovery from the older checkpoint would read from there on.
  const neededFrom = found.checkpoints[1]?.scanSegment ?? 0
  const adopted = spans.slots() // Not free because a header has rotted, or a file is missing.
  for (const slot of adopted) slots.hold(slot)
  for (const { slot, bytes, header } of found.slots.filter((each) => !adopted.has(each.slot))) {
    const seq = header?.segmentSeq ?? 0
    const walked = held.get(seq) !== undefined
    if (header === null || (seq < neededFrom && !walked)) {
      await slots.found(slot)
      continue
    }
    slots.hold(slot, seq === activeSeq && bytes < slotBytes)
    // The spans had it and gave it up, after the checkpoint perhaps: nobody else would let it go.
    if (!walked || seq <= spans.adoptedThrough) retirement.release(slot, seq, 0)
  }
}
