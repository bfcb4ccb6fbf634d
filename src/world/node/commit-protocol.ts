/**
 * The memory that the loop and its commit thread share, as 32 bit numbers; the bytes of the commits lie in memory of
 * their own. The loop fills in a job, the `number & 1`st of two, then raises `request` to its number; the thread takes
 * jobs one after the other and answers with `done`.
 *
 * The bytes are copied once. Handing over the staged memory itself would save that, but the thread's handles on it live
 * until the thread collects its garbage, which it hardly ever does: hundreds of MB stayed in memory (measured).
 */
export const field = {
  request: 0,
  done: 1,
  /** 1: the loop sleeps and wants a message when a job is done. */
  wantMessage: 2,
  quit: 3,
  /** The layout of the header, see `SealLayout`: before the first request. */
  headerBytes: 4,
  chainAt: 5,
  bodyCrcAt: 6,
  headerCrcAt: 7,
} as const

/** Of a job; `chain` and the error's text lie behind. */
export const jobField = {
  descriptor: 0,
  /** 1: fdatasync after the write (0: the descriptor writes through, or no sync is wanted). */
  syncAfter: 1,
  positionLow: 2,
  positionHigh: 3,
  /** Where the header begins in the data, and how long header, body and padding are with what stands before them. */
  headerAt: 4,
  bodyBytes: 5,
  dataBytes: 6,
  /** 1: it is tried only when the job before it went well, and gets that one's chain. */
  follows: 7,
  /** Bytes of the error's text; 0: it went well. */
  errorBytes: 8,
  /** How long the job took, microseconds. */
  tookUs: 9,
} as const

const fieldBytes = 64
const chainBytes = 16
export const errorBytesMax = 512
const jobBytes = fieldBytes + chainBytes + errorBytesMax
export const sharedBytes = fieldBytes + 2 * jobBytes
/** Holds a frame of 1 MiB and a segment header. */
export const dataBytes = 1024 * 1024 + 64 * 1024

export const fieldsOf = (shared: SharedArrayBuffer): Int32Array => new Int32Array(shared, 0, fieldBytes / 4)

/** What loop and thread see of one job. */
export interface Job {
  readonly fields: Int32Array
  readonly chain: Buffer
  readonly error: Buffer
  data: Buffer
}

export function jobsOf({ shared, data }: CommitWorkerData): [Job, Job] {
  const job = (index: 0 | 1): Job => {
    const at = fieldBytes + index * jobBytes
    return {
      fields: new Int32Array(shared, at, fieldBytes / 4),
      chain: Buffer.from(shared, at + fieldBytes, chainBytes),
      error: Buffer.from(shared, at + fieldBytes + chainBytes, errorBytesMax),
      data: Buffer.from(data[index]),
    }
  }
  return [job(0), job(1)]
}

export interface CommitWorkerData {
  shared: SharedArrayBuffer
  /** Of the two jobs. */
  data: [SharedArrayBuffer, SharedArrayBuffer]
}

/** Sent before the first job that does not fit its data memory of before. */
export interface DataMessage {
  job: 0 | 1
  data: SharedArrayBuffer
}
