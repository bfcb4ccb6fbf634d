import { assert } from '../../base/index.ts'
import { DiskError, type CommitFile, type CommitThread, type Disk, type Timer, type Timers } from '../../world/index.ts'

/** A slot that is not in use, open for commits and filled, so that a segment can begin in it at once. */
export interface ReadySlot {
  slot: number
  file: CommitFile
  segmentBytes: number
}

export interface SlotOptions {
  slotBytes: number
  sync: boolean
  /** Ready slots kept for the journal to roll into. */
  ahead: number
  /** Ready slots kept besides, for what must still work when the disk is full (F10). */
  spare: number
  /** Bytes that must stay free after a new slot: the cleaner's output. */
  reserveBytes: number
}

export const slotFolder = 'journal'
export const slotPath = (slot: number): string => `${slotFolder}/slot-${String(slot).padStart(3, '0')}`
/** The slot's number, or -1 for a name that is not a slot's. */
export const slotOfName = (name: string): number => {
  const match = /^slot-(\d{3,})$/.exec(name)
  return match === null ? -1 : Number(match[1])
}

const zeroStepBytes = 1024 * 1024
const retryMs = 1000
const growFactor = 4

/**
 * The pool of slot files. New ones are filled with zeros in the background, used ones come back and are written over
 * in place, so that a commit allocates nothing. When the disk is full no new ones are made; `full` is told.
 */
export class Slots {
  full = false
  /** False in a young journal: no slots are made ahead yet. A broker that is started for a moment writes little. */
  private eager = false
  private readonly disk: Disk
  private readonly thread: CommitThread
  private readonly timers: Timers
  private readonly options: SlotOptions
  private readonly onFull: (full: boolean) => void
  private readonly onError: (error: Error) => void
  private readonly ready: ReadySlot[] = []
  private readonly taken = new Set<number>()
  private waiting: ((slot: ReadySlot) => void) | null = null
  private work: Promise<void> | null = null
  private retry: Timer | null = null
  private closed = false

  constructor(
    disk: Disk,
    thread: CommitThread,
    timers: Timers,
    options: SlotOptions,
    onFull: (full: boolean) => void,
    onError: (error: Error) => void,
  ) {
    this.disk = disk
    this.thread = thread
    this.timers = timers
    this.options = options
    this.onFull = onFull
    this.onError = onError
  }

  /** At the start: a slot that holds a segment which is still wanted. */
  hold(slot: number): void {
    this.taken.add(slot)
  }

  /** At the start: a slot file without a segment that is wanted. */
  async found(slot: number, bytes: number): Promise<void> {
    const { slotBytes, ahead, spare, sync } = this.options
    if (bytes !== slotBytes || this.ready.length >= ahead + spare) return this.disk.remove(slotPath(slot))
    this.ready.push({ slot, file: await this.thread.open(slotPath(slot), sync), segmentBytes: slotBytes })
  }

  /** Slot files there are, in use or ready. */
  get count(): number {
    return this.taken.size + this.ready.length
  }

  /** A slot for the next segment, at once when one is ready. */
  take(use: (slot: ReadySlot) => void): void {
    assert(this.waiting === null, 'one journal takes slots one by one')
    const slot = this.ready.shift()
    if (slot !== undefined) this.taken.add(slot.slot)
    else this.waiting = use
    this.refill()
    if (slot !== undefined) use(slot)
  }

  /** The slot's segment is not wanted any more: it is filled again by the next segment, or removed. */
  async recycle(slot: number): Promise<void> {
    assert(this.taken.delete(slot), 'slot was not taken')
    try {
      const facts = await this.disk.stat(slotPath(slot))
      const { slotBytes, ahead, spare } = this.options
      const enough = this.ready.length > 2 * (ahead + spare)
      // A second name is a backup's: writing over the file would destroy it.
      if (facts === null || facts.links > 1 || facts.bytes !== slotBytes || enough) {
        await this.disk.remove(slotPath(slot))
      } else {
        this.offer({ slot, file: await this.thread.open(slotPath(slot), this.options.sync), segmentBytes: slotBytes })
      }
    } catch (error) {
      this.onError(error as Error)
    }
    this.refill()
  }

  private offer(slot: ReadySlot): void {
    const use = this.waiting
    if (use !== null) {
      this.waiting = null
      this.taken.add(slot.slot)
      use(slot)
    } else {
      this.ready.push(slot)
    }
    if (this.full && this.ready.length > this.options.spare) this.setFull(false)
  }

  private setFull(full: boolean): void {
    if (this.full === full) return
    this.full = full
    this.onFull(full)
  }

  /** From now on slots are made ahead. */
  prepare(): void {
    if (this.eager) return
    this.eager = true
    this.refill()
  }

  /** Makes slots in the background until enough are ready. */
  refill(): void {
    if (this.work !== null || this.closed || this.retry !== null) return
    const { ahead, spare } = this.options
    if (this.waiting === null && (!this.eager || this.ready.length >= ahead + spare)) return
    this.work = this.make()
      .catch((error: unknown) => {
        if (!(error instanceof DiskError) || error.kind !== 'full') return this.onError(error as Error)
        if (this.ready.length <= spare) this.setFull(true)
        this.retry = this.timers.after(retryMs, () => {
          this.retry = null
          this.refill()
        })
      })
      .then(() => {
        this.work = null
        this.refill()
      })
  }

  private async make(): Promise<void> {
    const { slotBytes, sync, reserveBytes } = this.options
    const space = await this.disk.space()
    const slot = this.unused()
    const path = slotPath(slot)
    if (space.freeBytes < slotBytes + reserveBytes) throw new DiskError('full', 'fill', path, 'no space for a new slot')
    const file = await this.disk.open(path, 'create')
    try {
      // Somebody waits already: a growing file is slower to commit to, but it is there now. Not where the space may
      // be gone before it has grown.
      const grow = this.waiting !== null && space.freeBytes >= growFactor * slotBytes + reserveBytes
      if (!grow && this.disk.prefill) await fill(file, slotBytes)
      await file.sync()
    } catch (error) {
      await file.close()
      await this.disk.remove(path)
      throw error
    }
    await file.close()
    await this.disk.syncFolder(slotFolder)
    this.offer({ slot, file: await this.thread.open(path, sync), segmentBytes: slotBytes })
  }

  private unused(): number {
    let slot = 0
    while (this.taken.has(slot) || this.ready.some((ready) => ready.slot === slot)) slot++
    return slot
  }

  async close(): Promise<void> {
    this.closed = true
    this.retry?.cancel()
    await this.work
    for (const slot of this.ready) await slot.file.close()
  }
}

const zeros = Buffer.alloc(zeroStepBytes)

async function fill(file: { write(bytes: Uint8Array, at: number): Promise<void> }, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += zeroStepBytes) {
    await file.write(zeros.subarray(0, Math.min(zeroStepBytes, bytes - at)), at)
  }
}
