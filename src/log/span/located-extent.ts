import type { Fragment } from '../frame/index.ts'
import type { ExtentFacts } from '../store.ts'

/** An extent, and where its payload stands in the file of its segment or span. */
export interface LocatedExtent extends ExtentFacts {
  /** Where the payload stands; more than one piece when it was cut across frames, which only a journal does. */
  pieces: readonly Fragment[]
  /** Bytes of the payload, all pieces together. */
  bytes: number
  /** CRC-32C of the payload. */
  crc: number
  /** Other extents of the same file name the same bytes. */
  shared: boolean
}
