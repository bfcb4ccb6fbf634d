import type { ExtentFacts } from '../store.ts'

/** An extent, and where its payload stands in the file of its segment or span. */
export interface LocatedExtent extends ExtentFacts {
  /** Position and bytes of the payload, pair after pair; more than one pair when it was cut across frames. */
  pieces: readonly number[]
  /** Bytes of the payload, all pieces together. */
  bytes: number
  /** CRC-32C of the payload. */
  crc: number
  /** Other extents of the same file name the same bytes. */
  shared: boolean
}
