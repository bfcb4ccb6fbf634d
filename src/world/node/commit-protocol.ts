/**
 * The memory that the loop and its commit thread share, as 32 bit numbers; `chain` and the error's text lie behind, the
 * bytes of the commit in a memory of their own. One job at a time: the loop fills in fields and bytes, then raises
 * `request`; the thread answers with `done`.
 *
 * The bytes are copied once. Handing over the staged memory itself would save that, but the thread's handles on it live
 * until the thread collects its garbage, which it hardly ever does: hundreds of MB stayed in memory (measured).
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
  /** Where the header begins in the data, and how long header, body and padding are with what stands before them. */
  headerAt: 8,
  bodyBytes: 9,
  dataBytes: 10,
  /** Bytes of the error's text; 0: it went well. */
  errorBytes: 11,
  /** How long the job took, microseconds. */
  tookUs: 12,
  /** The layout of the header, see `SealLayout`: before the first request. */
  headerBytes: 13,
  bodyCrcAt: 14,
  headerCrcAt: 15,
} as const

const fieldBytes = 64
export const chainAt = fieldBytes
export const errorAt = fieldBytes + 16
export const errorBytesMax = 512
export const sharedBytes = errorAt + errorBytesMax
/** Holds a frame of 1 MiB and a segment header. */
export const dataBytes = 1024 * 1024 + 64 * 1024

export interface CommitWorkerData {
  shared: SharedArrayBuffer
  data: SharedArrayBuffer
}

/** Sent before the first job that does not fit the data memory of before. */
export interface DataMessage {
  data: SharedArrayBuffer
}
