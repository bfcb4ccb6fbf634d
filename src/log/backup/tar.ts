import { MalformedError } from '../../base/index.ts'

/**
 * As much of POSIX ustar as a backup needs: plain files with short names, in blocks of 512 bytes, and two blocks of
 * zeros at the end. Any tar reads it.
 *
 *   0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8 | 156 type 1
 *   157 link 100 | 257 "ustar\0" "00" 8 | zeros to 512
 *
 * Numbers are octal text. A size that needs more than 11 digits (8 GiB) is binary with the top bit set, as GNU tar and
 * all that came after it have it.
 */
export const tarBlockBytes = 512
export const tarEnd = Buffer.alloc(2 * tarBlockBytes)

const nameBytesMax = 100
const octalMax = 0o77777777777

export const tarPadding = (bytes: number): number => (tarBlockBytes - (bytes % tarBlockBytes)) % tarBlockBytes

export function tarHeader(name: string, bytes: number, timeMs: number): Buffer {
  if (Buffer.byteLength(name) > nameBytesMax) throw new MalformedError(`${name}: longer than ${nameBytesMax} bytes`)
  const block = Buffer.alloc(tarBlockBytes)
  block.write(name, 0)
  block.write(octal(0o600, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  if (bytes <= octalMax) {
    block.write(octal(bytes, 11), 124)
  } else {
    block[124] = 0x80
    block.writeBigUInt64BE(BigInt(bytes), 128)
  }
  block.write(octal(Math.floor(timeMs / 1000), 11), 136)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  block.write(`${octal(checksum(block), 6)}\0 `, 148)
  return block
}

/** Null: the block is of zeros, the archive's end. Throws `MalformedError` for what `tarHeader` has not written. */
export function readTarHeader(block: Buffer): { name: string; bytes: number } | null {
  if (block.equals(tarEnd.subarray(0, tarBlockBytes))) return null
  if (numberAt(block, 148, 8) !== checksum(block)) throw new MalformedError('not the header of a tar entry')
  if (block.toString('latin1', 156, 157) !== '0') throw new MalformedError('an entry that is not a plain file')
  const binary = block[124]! >= 0x80
  const bytes = binary ? Number(block.readBigUInt64BE(128)) : numberAt(block, 124, 12)
  if (!Number.isSafeInteger(bytes)) throw new MalformedError('an entry without a size')
  const name = block.subarray(0, nameBytesMax)
  const end = name.indexOf(0)
  return { name: name.toString('utf8', 0, end < 0 ? nameBytesMax : end), bytes }
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')

const numberAt = (block: Buffer, at: number, bytes: number): number => {
  const digits = /^[ \0]*([0-7]+)/.exec(block.toString('latin1', at, at + bytes))?.[1]
  return digits === undefined ? NaN : parseInt(digits, 8)
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (let at = 0; at < tarBlockBytes; at++) if (at < 148 || at >= 156) sum += block[at]!
  return sum
}
