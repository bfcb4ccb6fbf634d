/**
 * The memory that the loop and its commit thread share, as 32 bit numbers; `chain` and the error's text lie behind.
 * One job at a time: the loop fills in the fields, then raises `request`; the thread answers with `done`.
 */
export const field = {
  request: 0,
  done: 1,
  /** 1: the loop sleeps and wants a message when the job is done. */
  wantMessage: 2,
  quit: 3,
  descriptor: 4,
  /** 1: fdatasync after the write (0: the descriptor writes through, or no sync is wanted). */
  syncAfter: 5,
  positionLow: 6,
  positionHigh: 7,
  headerSlice: 8,
  bodyBytes: 9,
  slices: 10,
  /** Bytes of the error's text; 0: it went well. */
  errorBytes: 11,
  /** How long the job took, microseconds. */
  tookUs: 12,
  /** Three numbers for each slice: memory slot, position, bytes. */
  firstSlice: 16,
} as const

export const slicesMax = 64
/** Shared memories that the thread knows at a time. */
export const memorySlots = slicesMax

const fieldBytes = (field.firstSlice + 3 * slicesMax) * 4
export const chainAt = fieldBytes
export const errorAt = fieldBytes + 16
export const errorBytesMax = 512
export const sharedBytes = errorAt + errorBytesMax

export interface CommitWorkerData {
  shared: SharedArrayBuffer
  headerBytes: number
  bodyCrcAt: number
  headerCrcAt: number
}

/** Sent before the first job that uses the memory; null: forget it. */
export interface MemoryMessage {
  slot: number
  memory: SharedArrayBuffer | null
}
