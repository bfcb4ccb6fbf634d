import type { SimRandom } from '../../src/world/sim/random.ts'

export const pick = <T>(random: SimRandom, list: readonly T[]): T => list[random.below(list.length)]!

/** Numbers at which parsers stumble: the ends of their ranges, and lengths that lie. */
const edges = [
  0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe,
  0xffff_ffff,
]

type Change = (random: SimRandom, bytes: Buffer, other: Buffer) => Buffer

const at = (random: SimRandom, bytes: Buffer, room = 1): number => random.below(Math.max(1, bytes.length - room + 1))

const replaced = (bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)])

const changes: readonly Change[] = [
  (random, bytes) => {
    const i = at(random, bytes)
    bytes[i]! ^= 1 << random.below(8)
    return bytes
  },
  (random, bytes) => {
    bytes[at(random, bytes)] = random.once(2) ? random.below(256) : pick(random, edges) & 0xff
    return bytes
  },
  (random, bytes) => {
    const i = at(random, bytes)
    bytes[i] = bytes[i]! + (random.once(2) ? 1 : -1) * (1 + random.below(4))
    return bytes
  },
  // A number of two or four bytes, in either order.
  (random, bytes) => {
    const size = random.once(2) ? 2 : 4
    if (bytes.length < size) return bytes
    const value = pick(random, edges) % 2 ** (8 * size)
    if (random.once(2)) bytes.writeUIntBE(value, at(random, bytes, size), size)
    else bytes.writeUIntLE(value, at(random, bytes, size), size)
    return bytes
  },
  (random, bytes) => bytes.subarray(0, at(random, bytes)),
  (random, bytes) => {
    const from = at(random, bytes)
    return replaced(bytes, from, Math.min(bytes.length, from + 1 + random.below(16)), Buffer.alloc(0))
  },
  (random, bytes) => {
    const from = at(random, bytes)
    return replaced(bytes, from, from, random.bytes(1 + random.below(16)))
  },
  // A piece once more.
  (random, bytes) => {
    const from = at(random, bytes)
    const piece = bytes.subarray(from, from + 1 + random.below(64))
    const copies = Array.from({ length: 1 + random.below(random.once(10) ? 40 : 3) }, () => piece)
    return replaced(bytes, from, from, Buffer.concat(copies))
  },
  // The head of one, the tail of another.
  (random, bytes, other) => Buffer.concat([bytes.subarray(0, at(random, bytes)), other.subarray(at(random, other))]),
  (random, bytes, other) => {
    const from = at(random, bytes)
    const begin = at(random, other)
    const piece = other.subarray(begin, begin + 1 + random.below(32))
    return replaced(bytes, from, Math.min(bytes.length, from + piece.length), piece)
  },
]

export const inputBytesMax = 16 * 1024

/** `seed` with one to eight changes. */
export function mutate(random: SimRandom, seed: Buffer, other: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(seed)
  const count = 1 << random.below(4)
  for (let i = 0; i < count; i++) {
    if (bytes.length === 0) bytes = random.bytes(1 + random.below(8))
    bytes = Buffer.from(pick(random, changes)(random, bytes, other))
  }
  return bytes.subarray(0, inputBytesMax)
}

/** Random bytes; half of them of few different values, as lengths and tags are. */
export function noise(random: SimRandom): Buffer {
  const bytes = random.bytes(random.below(random.once(8) ? 2000 : 64))
  if (random.once(2)) for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! % 5
  return bytes
}
