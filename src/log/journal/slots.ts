import { assert } from '../../base/index.ts'
import {
  DiskError,
  type CommitFile,
  type CommitThread,
  type Disk,
  type DiskFile,
  type FileFacts,
  type Timer,
  type Timers,
} from '../../world/index.ts'
import { cutFile } from './cut.ts'

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
  /** From frames of this size on, a file that grows costs less than one that was filled before. */
  largeFrameBytes: number
}

export const slotFolder = 'journal'
export const slotPath = (slot: number): string => `${slotFolder}/slot-${String(slot).padStart(3, '0')}`
/** The slot's number, or -1 for a name that is not a slot's. */
export const slotOfName = (name: string): number => {
  const match = /^slot-(\d{3,})$/.exec(name)
  return match === null ? -1 : Number(match[1])
}

const zeroStepBytes = 1024 * 1024
/** Filling is synced in steps: a commit beside it, or one that comes to need the slot, waits for a step and not for all. */
const syncStepBytes = 4 * 1024 * 1024
/** After each step, while another slot is ready: readers and commits of now have the disk and the processor first. */
const restMs = 100
/** While there are as many as the journal needs: the spare ones are for a day when the disk is full. */
const spareRestMs = 1000
const retryMs = 1000
const growFactor = 4
/** Frames that the average of late goes over. */
const averaged = 16

export interface SlotEvents {
  /** There are no more slots than must be kept, and no space for others; or that is over. */
  full(full: boolean): void
  /** The journal waits for space that others must free; told again and again. */
  stuck(): void
  /** A slot could not be made or taken back: tried again, or done without. */
  trouble(error: Error): void
  /** The journal needs a slot, and none can be made. */
  failed(error: Error): void
}

/**
 * The pool of slot files. New ones are filled with zeros in the background, used ones come back and are written over
 * in place, so that a commit allocates nothing. When the disk is full no new ones are made.
 *
 * While frames are large, only the spare ones are filled: each byte would be written twice, where a frame that grows its
 * file costs one more write of the file's facts.
 */
export class Slots {
  full = false
  /** False in a young journal: no slots are made ahead yet. A broker that is started for a moment writes little. */
  private eager = false
  private readonly disk: Disk
  private readonly thread: CommitThread
  private readonly timers: Timers
  private readonly options: SlotOptions
  private readonly events: SlotEvents
  private readonly ready: ReadySlot[] = []
  private readonly taken = new Set<number>()
  /** Neither taken nor ready: the file is being opened or removed. A new one of that name would be the same file. */
  private readonly between = new Set<number>()
  /** About to be ready: many come back at once, and each must count the others. */
  private returning = 0
  /** The slot in use has yet to take its space from the disk. */
  private growing = false
  private stalled = false
  /** False: what the disk says is free was not, so a new slot counts only when it is filled. */
  private mayGrow = true
  /** There was much space when a slot was made last. */
  private roomy = true
  /** Of the frames of late, on average. */
  private frameBytes = 0
  /** A file that grows is being made for who waits. */
  private growth: Promise<void> | null = null
  /** For the last one that was to be made. */
  private noSpace = false
  private waiting: ((slot: ReadySlot) => void) | null = null
  private work: Promise<void> | null = null
  private retry: Timer | null = null
  /** Ends the rest between two steps. */
  private goOn: () => void = () => undefined
  private closed = false
  /** Files that come back or go: the next store must not meet them. */
  private readonly underWay = new Set<Promise<unknown>>()

  constructor(disk: Disk, thread: CommitThread, timers: Timers, options: SlotOptions, events: SlotEvents) {
    this.disk = disk
    this.thread = thread
    this.timers = timers
    this.options = options
    this.events = events
  }

  /** At the start: a slot that holds a segment which is still wanted; `growing`: it is the journal's, and not full-size. */
  hold(slot: number, growing = false): void {
    this.taken.add(slot)
    if (growing) this.growing = true
  }

  /** At the start: a slot file without a segment that is wanted. */
  async found(slot: number): Promise<void> {
    const { slotBytes, ahead, spare, sync } = this.options
    const fit = reusable(await this.disk.stat(slotPath(slot)), slotBytes)
    if (!fit || this.ready.length >= ahead + spare) return this.disk.remove(slotPath(slot))
    this.ready.push({ slot, file: await this.thread.open(slotPath(slot), sync), segmentBytes: slotBytes })
  }

  /** Slot files there are, in use or ready. */
  get count(): number {
    return this.taken.size + this.ready.length
  }

  /** The journal waits for a slot. */
  get starved(): boolean {
    return this.waiting !== null
  }

  /** The journal waits for space that others must free. */
  get stuck(): boolean {
    return this.stalled || (this.full && this.starved)
  }

  /** A frame was written. */
  wrote(bytes: number): void {
    const before = this.fillsAhead()
    this.frameBytes += (bytes - this.frameBytes) / averaged
    if (before || !this.fillsAhead()) return
    this.goOn()
    this.refill()
  }

  private fillsAhead(): boolean {
    const growsWell = this.disk.prefill && this.frameBytes >= this.options.largeFrameBytes
    return !growsWell || !this.roomy || !this.mayGrow || this.noSpace
  }

  /** A slot for the next segment, at once when one is ready. */
  take(use: (slot: ReadySlot) => void): void {
    assert(this.waiting === null, 'one journal takes slots one by one')
    if (this.closed) return
    this.growing = false
    const grows = !this.fillsAhead() && this.ready.length <= this.options.spare
    const slot = grows ? undefined : this.ready.shift()
    if (slot !== undefined) this.taken.add(slot.slot)
    else this.waiting = use
    if (grows) this.grow()
    if (this.fillsAhead() && this.ready.length < this.options.ahead) this.goOn()
    // Whoever writes fast must not use up the spare ones before it is tried again.
    if (this.noSpace && this.ready.length <= this.options.spare) this.setFull(true)
    this.refill()
    if (slot !== undefined) use(slot)
  }

  /** The slot's segment is not wanted any more: it is filled again by the next segment, or removed. */
  recycle(slot: number): Promise<void> {
    assert(this.taken.delete(slot), 'slot was not taken')
    return this.closed ? Promise.resolve() : this.untilEnd(this.takeBack(slot))
  }

  private async takeBack(slot: number): Promise<void> {
    this.between.add(slot)
    try {
      const facts = await this.disk.stat(slotPath(slot))
      const { slotBytes, ahead, spare } = this.options
      const enough = this.ready.length + this.returning > 2 * (ahead + spare)
      if (!reusable(facts, slotBytes) || enough) await this.disk.remove(slotPath(slot))
      else await this.comeBack(slot)
    } catch (error) {
      this.events.trouble(error as Error)
    }
    this.between.delete(slot)
    this.refill()
  }

  private async comeBack(slot: number): Promise<void> {
    const { slotBytes, sync } = this.options
    this.returning++
    try {
      this.offer({ slot, file: await this.thread.open(slotPath(slot), sync), segmentBytes: slotBytes })
    } finally {
      this.returning--
    }
  }

  /** A file that grows found no space, a quota perhaps: no other for a while, and none that would find out so late. */
  foundNone(): void {
    this.noSpace = true
    this.mayGrow = false
    this.refillLater()
  }

  /** Nothing was written to it, and it is empty: its file goes. */
  giveBack(slot: number, file: CommitFile): void {
    assert(this.taken.delete(slot), 'slot was not taken')
    this.remove(slot, file).catch((error: unknown) => this.events.trouble(error as Error))
  }

  private remove(slot: number, file: CommitFile): Promise<void> {
    const remove = async (): Promise<void> => {
      this.between.add(slot)
      try {
        await file.close()
        if (!this.closed) await this.disk.remove(slotPath(slot))
      } finally {
        this.between.delete(slot)
      }
    }
    return this.untilEnd(remove())
  }

  /** `close` waits for it. */
  private untilEnd<T>(work: Promise<T>): Promise<T> {
    const ended: Promise<unknown> = work.then(ignore, ignore).then(() => this.underWay.delete(ended))
    this.underWay.add(ended)
    return work
  }

  /** What stands at that place or behind it, if anything does, is gone for good when this resolves. */
  cut({ slot, position }: { slot: number; position: number }): Promise<void> {
    return this.closed ? Promise.reject(new Stopped()) : this.untilEnd(cutFile(this.disk, slotPath(slot), position))
  }

  /**
   * Something that must be written in its place found no space: again when there is some. All that would free any waits
   * behind it, so a slot that is kept ready pays for it, the last one, too: nothing could be written to that before.
   */
  whenThereIsSpace(again: () => void): void {
    this.stalled = true
    this.foundNone()
    this.setFull(true)
    const tryAgain = (): void => {
      this.stalled = false
      if (!this.closed) again()
    }
    if (this.ready.length === 0) this.events.stuck()
    void this.removeReady()
      .catch((error: unknown) => this.events.trouble(error as Error))
      .then(() => this.timers.after(retryMs, tryAgain))
  }

  /** What frees space needs some itself, and others have taken what was left: a slot that was kept ready goes. */
  async giveUpOne(): Promise<void> {
    if (this.full && this.ready.length >= 2) await this.removeReady()
  }

  private async removeReady(): Promise<void> {
    const gone = this.ready.pop()
    if (gone !== undefined) await this.remove(gone.slot, gone.file)
  }

  private offer(slot: ReadySlot): void {
    const use = this.closed ? null : this.waiting
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
    this.events.full(full)
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
    const starved = this.waiting !== null && this.growth === null
    // While it is full, one more than the spare ones is what shows that it is not any more.
    const wanted = this.full || this.fillsAhead() ? ahead + spare : spare
    if (!starved && ((!this.eager && !this.full) || this.ready.length >= wanted)) return
    this.work = this.make()
      .catch((error: unknown) => this.notMade(error as Error, this.growth !== null))
      .then(() => {
        this.work = null
        this.refill()
      })
  }

  /** `another`: one more is being made, and who waits may get that. */
  private notMade(error: Error, another: boolean): void {
    if (error instanceof Stopped) return
    this.useReady()
    this.noSpace = error instanceof DiskError && error.kind === 'full'
    if (this.noSpace) {
      if (this.ready.length <= this.options.spare) this.setFull(true)
      if (this.stuck) this.events.stuck()
    } else if (this.waiting !== null && !another) {
      this.events.failed(error)
    } else {
      this.events.trouble(error)
    }
    this.refillLater()
  }

  private refillLater(): void {
    this.retry ??= this.timers.after(retryMs, () => {
      this.retry = null
      this.refill()
    })
  }

  /** Nothing new for who waits: a spare one, if there is any. */
  private useReady(): void {
    const slot = this.waiting === null ? undefined : this.ready.shift()
    if (slot !== undefined) this.offer(slot)
  }

  private async make(): Promise<void> {
    await this.lookForSpace()
    await this.create((file) => this.fill(file, this.mayGrow && this.roomy))
  }

  /** A file of no length, for who waits. */
  private grow(): void {
    const grown = async (): Promise<void> => {
      await this.lookForSpace()
      if (this.roomy) await this.create(() => Promise.resolve(false))
      else this.useReady()
    }
    this.growth = grown()
      .catch((error: unknown) => this.notMade(error as Error, this.work !== null))
      .then(() => {
        this.growth = null
        // None came of it: whatever is being filled has to do, and must not rest.
        if (this.waiting !== null) this.goOn()
        this.refill()
      })
  }

  /** A file may grow only where the space will still be there when it has (`roomy`). Rejects with `full`. */
  private async lookForSpace(): Promise<void> {
    const { slotBytes } = this.options
    // What the slot in use has yet to grow by is free only as it looks.
    const reserveBytes = this.options.reserveBytes + (this.growing ? slotBytes : 0)
    const { freeBytes } = await this.disk.space()
    if (freeBytes < slotBytes + reserveBytes) {
      throw new DiskError('full', 'fill', slotPath(this.unused()), 'no space for a new slot')
    }
    this.roomy = freeBytes >= growFactor * slotBytes + reserveBytes
  }

  private async create(fill: (file: DiskFile) => Promise<boolean>): Promise<void> {
    const { slotBytes, sync } = this.options
    const slot = this.unused()
    this.between.add(slot)
    try {
      const filled = await this.createFile(slotPath(slot), fill)
      const made = { slot, file: await this.thread.open(slotPath(slot), sync), segmentBytes: slotBytes }
      // Another one came back meanwhile. A slot that is kept ready must need no space when it is used.
      if (!filled && this.waiting === null) return await this.remove(slot, made.file)
      if (filled) this.mayGrow = true
      else this.growing = true
      // Before it is used: its first frame may find at once that there is none.
      this.noSpace = false
      this.offer(made)
    } finally {
      this.between.delete(slot)
    }
  }

  private async createFile(path: string, fill: (file: DiskFile) => Promise<boolean>): Promise<boolean> {
    const file = await this.disk.open(path, 'create')
    let filled: boolean
    try {
      filled = await fill(file)
      await file.sync()
    } catch (error) {
      await file.close()
      await this.disk.remove(path)
      throw error
    }
    await file.close()
    await this.disk.syncFolder(slotFolder)
    return filled
  }

  /** Until somebody waits for it: a file that grows is slower to commit to, but it is there now. True: it is filled. */
  private async fill(file: DiskFile, mayGrow: boolean): Promise<boolean> {
    const { slotBytes } = this.options
    if (!this.disk.prefill) return true
    for (let at = 0; at < slotBytes; at += zeroStepBytes) {
      if (this.closed) throw new Stopped()
      if (mayGrow && this.waiting !== null && this.growth === null) return false
      await file.write(zeros.subarray(0, Math.min(zeroStepBytes, slotBytes - at)), at)
      if ((at + zeroStepBytes) % syncStepBytes !== 0) continue
      await file.sync()
      await this.rest()
    }
    return true
  }

  private async rest(): Promise<void> {
    const fillsAhead = this.fillsAhead()
    if (this.closed || (fillsAhead && this.ready.length === 0)) return
    const ms = fillsAhead && this.ready.length < this.options.ahead ? restMs : spareRestMs
    await new Promise<void>((resolve) => {
      const timer = this.timers.after(ms, resolve)
      this.goOn = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  private unused(): number {
    let slot = 0
    const used = (n: number): boolean => this.taken.has(n) || this.between.has(n)
    while (used(slot) || this.ready.some((ready) => ready.slot === slot)) slot++
    return slot
  }

  /** From now on no file is touched: another store may have them as soon as this resolves. */
  async close(): Promise<void> {
    this.closed = true
    this.goOn()
    this.retry?.cancel()
    await Promise.all([this.work, this.growth, ...this.underWay])
    for (const slot of this.ready) await slot.file.close()
  }
}

/** A second name is a backup's: writing over the file would destroy it. */
const reusable = (facts: FileFacts | null, slotBytes: number): boolean =>
  facts !== null && facts.bytes === slotBytes && facts.links <= 1

const zeros = Buffer.alloc(zeroStepBytes)
const ignore = (): void => undefined

/** The store closes: a slot that is half filled goes, instead of being waited for, and nothing else is begun. */
class Stopped extends Error {}
