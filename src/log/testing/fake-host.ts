import { crc32c } from '../../base/index.ts'
import { MemoryDisk, type Disk } from '../../world/index.ts'
import { SimTime } from '../../world/sim/time.ts'
import {
  SegmentIndex,
  type OpenSegment,
  type SealedSegment,
  type SpanHost,
  type SpanLimits,
  type StoreLoad,
} from '../span/index.ts'
import type { Life } from '../store.ts'

/** One record batch of a test: its payload is any bytes. */
export interface Sample {
  partition: number
  baseOffset: number
  count: number
  payload: Buffer
}

export const testLimits: SpanLimits = {
  cacheBytesMax: 4 * 1024 * 1024,
  openFilesMax: 64,
  mergeAfterMs: 60_000,
  settleAfterMs: 3_600_000,
  spanBytesMax: 64 * 1024 * 1024,
  lookEveryMs: 0,
}

/** A store reduced to what the spans see of it: for the tests of this half. */
export class FakeHost implements SpanHost {
  readonly disk: Disk
  readonly clock: SimTime
  readonly timers: SimTime
  readonly journalId = Buffer.alloc(16, 7)
  readonly limits: SpanLimits
  readonly segmentBytes = 64 * 1024
  readonly starts = new Map<number, number>()
  readonly ends = new Map<number, number>()
  readonly lives = new Map<number, Life>()
  /** Records that are done with: `partition/offset`. */
  readonly done = new Set<string>()
  readonly released: number[] = []
  readonly reported: Error[] = []
  readonly edits: Buffer[] = []
  readonly sealed = new Map<number, SealedSegment>()
  /** Edits become durable when this is. */
  durable: Promise<unknown> = Promise.resolve()
  readonly machine = {
    needed: (partition: number, first: number, last: number): boolean => {
      for (let offset = first; offset <= last; offset++) if (!this.done.has(`${partition}/${offset}`)) return true
      return false
    },
    life: (partition: number): Life => this.lives.get(partition) ?? 'days',
  }

  constructor(disk: Disk = new MemoryDisk(), limits: SpanLimits = testLimits, time: SimTime = new SimTime()) {
    this.disk = disk
    this.limits = limits
    this.clock = this.timers = time
  }

  slotPath(slot: number): string {
    return `journal/slot-${String(slot).padStart(3, '0')}`
  }

  bounds(partition: number): { start: number; next: number } | null {
    const next = this.ends.get(partition)
    return next === undefined ? null : { start: this.starts.get(partition) ?? 0, next }
  }

  stageManifest(edit: Buffer): Promise<number> {
    this.edits.push(Buffer.from(edit))
    const commit = this.edits.length
    return this.durable.then(() => commit)
  }

  scanSegment(_slot: number, segmentSeq: number): Promise<SegmentIndex> {
    return Promise.resolve(this.sealed.get(segmentSeq)!.index)
  }

  openSegment(segmentSeq: number): OpenSegment | null {
    return this.sealed.get(segmentSeq) ?? null
  }

  releaseSlot(slot: number): void {
    this.released.push(slot)
  }

  load(): StoreLoad {
    return { ingestedBytes: 0, commitP99Ms: 0, commitP99IdleMs: 0 }
  }

  report(error: Error): void {
    this.reported.push(error)
  }

  /** Writes a segment's file as the journal would have, payload after payload, and seals it. */
  async segment(seq: number, samples: readonly Sample[]): Promise<SealedSegment> {
    const index = new SegmentIndex(seq)
    const file = await this.disk.open(this.slotPath(seq), 'create')
    let position = 4096
    for (const { partition, baseOffset, count, payload } of samples) {
      await file.write(payload, position)
      const facts = { baseOffset, count, maxTimestamp: baseOffset, appendTime: this.clock.now(), flags: 0 }
      index.add(
        partition,
        { ...facts, meta: Buffer.from(`m${baseOffset}`) },
        position,
        payload.length,
        crc32c(payload),
        false,
      )
      this.ends.set(partition, baseOffset + count)
      position += payload.length
    }
    await file.sync()
    await file.close()
    const lastCommitTime = this.clock.now()
    const sealed = { segmentSeq: seq, slot: seq, endPosition: position, lastFrame: seq, lastCommitTime, index }
    this.sealed.set(seq, sealed)
    return sealed
  }

  /** Lets time pass until the promise is settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const end = (): void => void (settled = true)
    promise.then(end, end)
    while (!settled) await this.clock.advance(50)
    return promise
  }
}
