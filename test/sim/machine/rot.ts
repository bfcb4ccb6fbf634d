import { crc32c } from '../../../src/base/index.ts'
import { RecordTable } from '../../../src/log/index.ts'
import { footerOf, listCheckpoints } from '../../../src/log/checkpoint/index.ts'
import { listSlots } from '../../../src/log/journal/slot-files.ts'
import { slotPath } from '../../../src/log/journal/slots.ts'
import type { SimDisk } from '../../../src/world/sim/sim-disk.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { idOf } from '../audit/index.ts'
import type { Rotting } from './faults.ts'

/** Positions that are tried until one lies in a record batch. */
const triesMax = 20
/** A batch is not longer; see `fillerBytes`. */
const batchBytesMax = 40_000
/** Of the header of a batch (magic 2): where its length, magic, checksum and checked bytes stand. */
const batch = { lengthAt: 8, magicAt: 16, crcAt: 17, checkedAt: 21, headerBytes: 61 } as const
const footerBytes = 4096

/**
 * Flips one bit of what is sealed and stored once (`records`), or of what can be made again or is there twice (`indexes`).
 * Returns where, and the ids of the messages whose bytes it hit; null when there was nothing to hit.
 */
export async function rot(
  disk: SimDisk,
  random: SimRandom,
  rotting: Rotting,
): Promise<{ where: string; ids: string[] } | null> {
  const paths = rotting === 'records' ? await holders(disk) : indexes(disk)
  const path = paths[random.below(paths.length)]
  if (path === undefined) return null
  const bytes = disk.bytesOf(path)
  for (let tries = 0; tries < triesMax && bytes.length > 0; tries++) {
    // Of a span only its footer can be made again.
    const from = rotting === 'indexes' && path.startsWith('spans/') ? bytes.length - footerBytes : 0
    const at = Math.max(0, from + random.below(bytes.length - from))
    const ids = rotting === 'records' ? idsAt(bytes, at) : []
    if (ids === null) continue
    disk.flip(path, at, random.below(8))
    return { where: `${path} at ${at}`, ids }
  }
  return null
}

/** Spans, and segments that no start replays any more. */
async function holders(disk: SimDisk): Promise<string[]> {
  const still = disk.copy()
  const { numbers } = await listCheckpoints(still)
  const footers = await Promise.all(numbers.slice(0, 3).map((number) => footerOf(still, number)))
  // One that is just being written does not count yet.
  const floor = footers.length < 3 ? 0 : Math.min(...footers.map(({ scanSegment }) => scanSegment))
  const slots = await listSlots(still)
  const sealed = slots.filter(({ header }) => header !== null && header.segmentSeq < floor)
  return [...sealed.map(({ slot }) => slotPath(slot)), ...spansOf(disk)]
}

const spansOf = (disk: SimDisk): string[] =>
  disk.paths().filter((path) => path.startsWith('spans/') && !path.endsWith('.tmp'))

const indexes = (disk: SimDisk): string[] => [
  ...spansOf(disk),
  ...disk.paths().filter((path) => /^(?:index\/.*\.idx|checkpoint\/.*\.copy)$/.test(path)),
]

/** Messages of the batch that stands around `at`; null: there is none. */
function idsAt(bytes: Buffer, at: number): string[] | null {
  for (let start = at; start >= Math.max(0, at - batchBytesMax); start--) {
    if (start + batch.headerBytes > bytes.length || bytes[start + batch.magicAt] !== 2) continue
    const end = start + 12 + bytes.readInt32BE(start + batch.lengthAt)
    if (end <= Math.max(at, start + batch.headerBytes) || end > bytes.length) continue
    if (crc32c(bytes.subarray(start + batch.checkedAt, end)) !== bytes.readUInt32BE(start + batch.crcAt)) continue
    const table = new RecordTable(bytes.subarray(start, end))
    return Array.from({ length: table.count }, (_, i) => idOf(table.value(i)!, 'disk'))
  }
  return null
}
