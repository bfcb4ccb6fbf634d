import { crc32c as native } from '@node-rs/crc32'

/**
 * CRC-32C (Castagnoli) of `bytes`, as an unsigned 32 bit number; `seed` continues an earlier one.
 * Which release of the library, is a decision: docs/decisions/0030.
 * Source: RFC 3720 appendix B.4; Kafka's record batch v2 and our own frames use it.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return native(bytes, seed)
}
