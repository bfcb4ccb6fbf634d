import { memorySlots, type MemoryMessage } from './commit-protocol.ts'

/** Larger ones are used once and must not be kept alive by the thread. */
const keptBytesMax = 2 * 1024 * 1024
/** A commit of one frame uses three or four. */
const keptUses = 64

/**
 * Which shared memories the commit thread knows, by slot. A message goes out only for a new one, about once for each
 * MiB written; the least recently used makes room.
 */
export class SharedMemories {
  private readonly send: (message: MemoryMessage) => void
  private readonly slots: (SharedArrayBuffer | null)[] = new Array<null>(memorySlots).fill(null)
  private readonly usedAt = new Float64Array(memorySlots)
  private uses = 0

  constructor(send: (message: MemoryMessage) => void) {
    this.send = send
  }

  slotOf(memory: SharedArrayBuffer): number {
    let slot = this.slots.indexOf(memory)
    if (slot < 0) {
      slot = this.leastUsed()
      this.slots[slot] = memory
      this.send({ slot, memory })
    }
    this.usedAt[slot] = ++this.uses
    return slot
  }

  private leastUsed(): number {
    let least = 0
    for (let slot = 1; slot < memorySlots; slot++) if (this.usedAt[slot]! < this.usedAt[least]!) least = slot
    return least
  }

  /** After each job: what is large or was not used for a while. */
  forget(): void {
    for (let slot = 0; slot < memorySlots; slot++) {
      const memory = this.slots[slot]
      if (memory === null || (memory!.byteLength <= keptBytesMax && this.usedAt[slot]! > this.uses - keptUses)) continue
      this.slots[slot] = null
      this.usedAt[slot] = 0
      this.send({ slot, memory: null })
    }
  }
}
