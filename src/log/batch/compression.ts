import { gunzipSync } from 'node:zlib'
import { MalformedError } from '../../base/index.ts'

/** More than this out of one compressed batch is an attack, not data. */
const decompressedBytesMax = 256 * 1024 * 1024

/** The records of a compressed batch; `codec` as in the batch's attributes. Throws `MalformedError`. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  if (codec === 1) return gunzipSync(bytes, { maxOutputLength: decompressedBytesMax })
  throw new MalformedError(`unknown compression codec ${codec}`)
}
