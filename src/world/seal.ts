import { createHash } from 'node:crypto'
import { crc32c } from '../base/index.ts'
import type { SealLayout } from './disk.ts'

/** CRC-32C of `bytes` bytes that begin `skip` bytes into `slices[first]`. */
function bodyCrc(slices: readonly Buffer[], first: number, skip: number, bytes: number): number {
  let crc = 0
  let rest = bytes
  let from = skip
  for (let i = first; rest > 0; i++) {
    const slice = slices[i]!
    const to = Math.min(slice.length, from + rest)
    if (to > from) crc = crc32c(slice.subarray(from, to), crc)
    rest -= Math.max(0, to - from)
    from = 0
  }
  return crc
}

/** Completes the header that begins `slices[header]` and returns its chain: what every commit thread does first. */
export function sealHeader(layout: SealLayout, slices: readonly Buffer[], header: number, bodyBytes: number): Buffer {
  const bytes = slices[header]!.subarray(0, layout.headerBytes)
  bytes.writeUInt32LE(bodyCrc(slices, header, layout.headerBytes, bodyBytes), layout.bodyCrcAt)
  const covered = bytes.subarray(0, layout.headerCrcAt)
  bytes.writeUInt32LE(crc32c(covered), layout.headerCrcAt)
  return chainOf(covered)
}

export const chainBytes = 16

/** First 16 bytes of sha256. */
export const chainOf = (covered: Uint8Array): Buffer =>
  createHash('sha256').update(covered).digest().subarray(0, chainBytes)
