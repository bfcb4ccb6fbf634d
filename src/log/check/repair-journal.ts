import { sealHeader, type Disk, type DiskFile } from '../../world/index.ts'
import {
  aligned,
  bodyGood,
  bridgeFlag,
  fits,
  frameAlign,
  frameHeaderBytes,
  frameKind,
  frameLayout,
  journalMajor,
  journalMinor,
  readFrameHeader,
  segmentHeaderBytes,
  writeFrameHeader,
  writeSegmentHeader,
} from '../frame/index.ts'
import { listSlots } from '../journal/slot-files.ts'
import { slotPath } from '../journal/slots.ts'
import { adopted, writeDurably, type SpanInfo } from '../span/index.ts'
import type { JournalCheck, Wound } from './check-journal.ts'
import type { Finding } from './finding.ts'
import type { BadStretch } from './walk-segment.ts'
import { Window } from './window.ts'

const pageBytes = frameAlign

/**
 * How frames that carry nothing fill a bad stretch: as many as are missing, as many bytes as their `lsn`s say, and
 * ending exactly where the next good frame begins. Null when that cannot be done. Sizes are unpadded bytes.
 */
export function fillerSizes(
  stretch: Pick<BadStretch, 'from' | 'to' | 'firstFrame' | 'lastFrame' | 'firstLsn' | 'nextLsn'>,
  exact: boolean,
): number[] | null {
  const count = stretch.lastFrame - stretch.firstFrame + 1
  const bytes = stretch.nextLsn - stretch.firstLsn
  const pages = (stretch.to - stretch.from) / pageBytes
  if (stretch.lastFrame < 0 || count < 1 || bytes < count * frameHeaderBytes || count > pages) return null
  // Each takes what it must; the first ones then take more, up to their pages, until the sum is right.
  const sizes = new Array<number>(count).fill(frameHeaderBytes)
  const free = exact ? pages - count : Math.ceil(Math.max(0, bytes - count * pageBytes) / pageBytes)
  const last = count - 1
  if (exact && free > 0) sizes[last] = pageBytes * free + 1
  let rest = bytes - sizes.reduce((sum, size) => sum + size, 0)
  if (rest < 0) return null
  for (let i = last; i >= 0 && rest > 0; i--) {
    const room = (i === last ? pageBytes * (free + 1) : pageBytes) - sizes[i]!
    const more = Math.min(room, rest)
    sizes[i]! += more
    rest -= more
  }
  return rest === 0 ? sizes : null
}

/** Fills the bad stretch with frames that carry nothing, so that the journal goes on behind it. False: cannot be done. */
export async function bridge(disk: Disk, { segment, stretch }: Wound): Promise<boolean> {
  const exact = stretch.to < segment.header.segmentBytes
  // No good frame follows: the last of an adopted segment, whose bytes nobody will replay.
  const sizes = stretch.lastFrame < 0 ? [stretch.to - stretch.from] : fillerSizes(stretch, exact)
  if (sizes === null) return false
  const file = await disk.open(slotPath(segment.slot), 'write')
  try {
    await writeFillers(file, segment.header, stretch, sizes)
    await file.sync()
  } finally {
    await file.close()
  }
  return true
}

async function writeFillers(
  file: DiskFile,
  { journalId, segmentSeq }: Wound['segment']['header'],
  stretch: BadStretch,
  sizes: readonly number[],
): Promise<void> {
  let { from: position, firstFrame: number, firstLsn: lsn } = stretch
  let chain = stretch.chain ?? Buffer.alloc(16)
  for (const size of sizes) {
    const frame = Buffer.alloc(aligned(size))
    const { epoch, commit, timeMs: commitTimeMs } = stretch
    const place = { journalId, segmentSeq, lsn, number, epoch, commitTimeMs, chain, commit }
    const payloadBytes = size - frameHeaderBytes
    const facts = { kind: frameKind.idle, flags: bridgeFlag, part: 0, parts: 1, tableBytes: 0, payloadBytes }
    writeFrameHeader(frame, { ...place, ...facts })
    chain = sealHeader(frameLayout, [frame], 0, payloadBytes)
    await file.write(frame, position)
    position += frame.length
    lsn += size
    number++
  }
}

/**
 * Puts segments that carry nothing in the place of those that the manifest names and that are missing as a whole, so that
 * what was lost with them is not missed at each start. Only before the ones that a start replays: those must follow one
 * another. Returns which.
 */
export async function fillMissing(disk: Disk, spans: readonly SpanInfo[], journal: JournalCheck): Promise<SpanInfo[]> {
  const made: SpanInfo[] = []
  const model = [...journal.segments.values()][0]?.header
  const used = new Map((await listSlots(disk)).map((slot) => [slot.slot, slot]))
  for (const info of spans) {
    const there = used.get(info.slot)
    const empty = there === undefined || (there.header === null && !there.unreadable)
    const replayed = info.lastSeq >= (journal.checkpoint?.scanSegment ?? 1)
    if (model === undefined || !adopted(info) || journal.segments.has(info.firstSeq) || !empty || replayed) continue
    // Numbers that no later frame can be taken for.
    const header = { ...model, segmentSeq: info.firstSeq, startLsn: 0, firstFrame: 1, chain: Buffer.alloc(16) }
    await writeDurably(disk, slotPath(info.slot), async (file) => {
      const page = Buffer.alloc(segmentHeaderBytes)
      writeSegmentHeader(page, header)
      const at = { from: segmentHeaderBytes, firstFrame: 1, firstLsn: 0, chain: null }
      const facts = { to: info.dataBytes, lastFrame: -1, nextLsn: -1, epoch: header.epoch, commit: 0, timeMs: 0 }
      await writeFillers(file, header, { ...at, ...facts }, [info.dataBytes - segmentHeaderBytes])
      await file.write(page, 0)
      await file.truncate(header.segmentBytes)
    })
    made.push(info)
  }
  return made
}

/**
 * Makes the header of a segment again from its first frame, which must be whole. False when it is not.
 */
export async function repairHeader(disk: Disk, slot: number, frameBytesMax: number): Promise<boolean> {
  const file = await disk.open(slotPath(slot), 'write')
  try {
    const segmentBytes = await file.bytes()
    const window = new Window(file)
    const first = readFrameHeader(Buffer.from(await window.at(segmentHeaderBytes, frameAlign)))
    if (first === null || !fits(first, segmentHeaderBytes, segmentBytes)) return false
    const whole = aligned(frameHeaderBytes + first.tableBytes + first.payloadBytes)
    if (!bodyGood(await window.at(segmentHeaderBytes, whole), first)) return false
    const { journalId, segmentSeq, epoch, chain, lsn: startLsn, number: firstFrame, commitTimeMs: createdAt } = first
    const page = Buffer.alloc(segmentHeaderBytes)
    const place = { journalId, segmentSeq, startLsn, firstFrame, firstCommit: first.commit, epoch, chain }
    const format = { major: journalMajor, minor: journalMinor, requiredFlags: 0, optionalFlags: 0 }
    writeSegmentHeader(page, { ...place, ...format, segmentBytes, frameBytesMax, createdAt })
    await file.write(page, 0)
    await file.sync()
    return true
  } finally {
    await file.close()
  }
}

/** Writes zeros where the disk gives nothing, which lets it put another sector in the place: a start reads there, too. */
export async function blank(disk: Disk, { file: path, position, bytes }: Finding): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    await file.write(Buffer.alloc(Math.min(bytes, (await file.bytes()) - position)), position)
    await file.sync()
  } finally {
    await file.close()
  }
}
