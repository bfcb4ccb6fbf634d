export { assert, AssertionError, unreachable } from './assert.ts'
export { failed } from './errors.ts'
export type { ErrorKind, Failure, Outcome } from './errors.ts'
export { crc32c, MalformedError, Reader, release, sameBytes, SlabPool, Writer, type SlabLease } from './bytes/index.ts'
