import { assert } from '../../base/index.ts'
import { frameAlign, segmentHeaderBytes } from '../frame/index.ts'
import { defaultSpanLimits, type SpanLimits } from '../span/host.ts'

export interface StoreOptions {
  /** `fsync`: a commit is durable when it is synced, each one. `os`: it counts as written before (`Store.written`). */
  durability: 'fsync' | 'os'
  /** Size of a journal slot, and so of a segment; of slots made from now on. A multiple of 4 KiB. */
  slotBytes: number
  /**
   * Larger commits are written in parts, each synced before the next: a multiple of 4 KiB, well below `slotBytes`.
   * Not given: 4 MiB, or less where slots are small.
   */
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
  /**
   * While frames are as large as this, on average, segments grow instead of being filled before. Not given: 1 MiB, or less
   * where slots are small.
   */
  largeFrameBytes: number
  /** A commit as large as this is handed to the commit thread while the one before is still on its way. */
  largeCommitBytes: number
  spans: SpanLimits
}

const mebi = 1024 * 1024

export const defaultOptions: StoreOptions = {
  durability: 'fsync',
  slotBytes: 64 * mebi,
  frameBytesMax: 4 * mebi,
  tailBytes: 16 * mebi,
  checkpointBytes: 128 * mebi,
  checkpointMs: 30_000,
  slotsAhead: 2,
  slotsSpare: 2,
  reserveBytes: 64 * mebi,
  largeFrameBytes: mebi,
  largeCommitBytes: mebi,
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
  // The end of a slot that the next frame does not fit is lost.
  options.frameBytesMax = given.frameBytesMax ?? Math.min(options.frameBytesMax, cut(options.slotBytes / 8))
  options.largeFrameBytes = given.largeFrameBytes ?? Math.min(options.largeFrameBytes, options.slotBytes / 8)
  assert(options.slotBytes % frameAlign === 0 && options.frameBytesMax % frameAlign === 0, 'a multiple of 4096')
  assert(options.slotBytes >= segmentHeaderBytes + options.frameBytesMax, 'a slot holds at least one whole frame')
  return options
}

const cut = (bytes: number): number => Math.max(frameAlign, bytes - (bytes % frameAlign))
