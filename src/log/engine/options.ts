import { assert } from '../../base/index.ts'
import { frameAlign, segmentHeaderBytes } from '../frame/index.ts'
import { defaultSpanLimits, type SpanLimits } from '../span/host.ts'

export interface StoreOptions {
  /** `fsync`: a commit is durable when it is synced, each one. `os`: it counts as written before (`Store.written`). */
  durability: 'fsync' | 'os'
  /** Size of a journal slot, and so of a segment; of slots made from now on. A multiple of 4 KiB. */
  slotBytes: number
  /** Larger commits are written in parts. A multiple of 4 KiB, below `slotBytes`. */
  frameBytesMax: number
  /** Bytes of the newest payloads kept in memory. */
  tailBytes: number
  /** A checkpoint round begins after so many bytes of journal, or so much time with a commit in it. */
  checkpointBytes: number
  checkpointMs: number
  /** Ready slots ahead of the journal, and besides for what must work when the disk is full. */
  slotsAhead: number
  slotsSpare: number
  /** No new slot is made when less than this would be left. */
  reserveBytes: number
  spans: SpanLimits
}

const mebi = 1024 * 1024

export const defaultOptions: StoreOptions = {
  durability: 'fsync',
  slotBytes: 64 * mebi,
  frameBytesMax: mebi,
  tailBytes: 16 * mebi,
  checkpointBytes: 128 * mebi,
  checkpointMs: 30_000,
  slotsAhead: 2,
  slotsSpare: 2,
  reserveBytes: 64 * mebi,
  spans: defaultSpanLimits,
}

/** Without a disk the journal itself takes memory: less of everything. */
const memoryOptions: Partial<StoreOptions> = {
  slotBytes: 8 * mebi,
  tailBytes: 8 * mebi,
  slotsAhead: 1,
  slotsSpare: 0,
  reserveBytes: 0,
}

export function optionsFrom(given: Partial<StoreOptions>, memory: boolean): StoreOptions {
  const options = { ...defaultOptions, ...(memory ? memoryOptions : {}), ...given }
  assert(options.slotBytes % frameAlign === 0 && options.frameBytesMax % frameAlign === 0, 'a multiple of 4096')
  assert(options.slotBytes >= segmentHeaderBytes + options.frameBytesMax, 'a slot holds at least one whole frame')
  return options
}
