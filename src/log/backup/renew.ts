import { crc32c } from '../../base/index.ts'
import { Writer } from '../../base/index.ts'
import { chainOf, type Disk, type DiskFile } from '../../world/index.ts'
import {
  checkpointPath,
  checkpointPaths,
  footerOf,
  footerPlace,
  listCheckpoints,
  mendCheckpoint,
  writeFooter,
  type CheckpointFooter,
} from '../checkpoint/index.ts'
import { Damaged } from '../damaged.ts'
import {
  aligned,
  bridgeFlag,
  frameBytes,
  frameLayout,
  journalIdAt,
  chainAt,
  judgeHeader,
  segmentHeaderBytes,
  writeSegmentHeader,
  type Expected,
  type SegmentHeader,
} from '../frame/index.ts'
import { listSlots, type SlotFile } from '../journal/slot-files.ts'
import { slotPath } from '../journal/slots.ts'

const stepBytes = 1024 * 1024

/**
 * Gives the journal of a folder another id. The frames of one that was restored and those of its original go on from the
 * same number: with one id nobody could tell the one's from the other's, and a frame of the original that gets into the
 * copy (a file put back by hand, a message that holds a backup) could pass for its own or for proof of damage. The id
 * is under the chain, so each frame's header is written again; bodies stay as they are.
 *
 * Checks the old chain on its way. Rejects with `Damaged`; then the folder is neither one nor the other.
 */
export async function renewJournal(disk: Disk, journalId: Buffer): Promise<void> {
  const { numbers } = await listCheckpoints(disk)
  const newest = numbers[0] === undefined ? null : await footerOf(disk, numbers[0])
  const renewal = new Renewal(disk, journalId, newest?.beginFrame ?? 0)
  await renewal.segments()
  for (const number of numbers) await renewal.checkpoint(number)
}

class Renewal {
  private readonly disk: Disk
  private readonly journalId: Buffer
  /** The new chain before this frame is the checkpoint's. */
  private readonly beginFrame: number
  private beginChain: Buffer | null = null
  private expected: Expected | null = null
  /** The new chain of the frame before. */
  private chain: Buffer = Buffer.alloc(0)

  constructor(disk: Disk, journalId: Buffer, beginFrame: number) {
    this.disk = disk
    this.journalId = journalId
    this.beginFrame = beginFrame
  }

  async segments(): Promise<void> {
    const slots = await listSlots(this.disk)
    const bad = slots.find(({ header }) => header === null)
    if (bad !== undefined) throw new Damaged(slotPath(bad.slot), 0, 'the header of a segment fails its check')
    const found = slots as (SlotFile & { header: SegmentHeader })[]
    for (const slot of found.sort((a, b) => a.header.segmentSeq - b.header.segmentSeq)) await this.segment(slot)
  }

  private async segment({ slot, bytes, header }: SlotFile & { header: SegmentHeader }): Promise<void> {
    const { segmentSeq, startLsn: lsn, firstFrame: number } = header
    const before = this.expected
    if (before?.segmentSeq === segmentSeq - 1 && before.number === number) {
      if (before.chain !== null && !before.chain.equals(header.chain)) {
        throw new Damaged(slotPath(slot), 0, 'it does not continue the segment before it')
      }
    } else {
      // Nobody looks at the chain over a gap.
      this.chain = Buffer.from(header.chain)
    }
    this.expected = { journalId: Buffer.from(header.journalId), segmentSeq, lsn, number, chain: header.chain }
    const file = await this.disk.open(slotPath(slot), 'write')
    try {
      const page = Buffer.alloc(segmentHeaderBytes)
      writeSegmentHeader(page, { ...header, journalId: this.journalId, chain: this.chain })
      await this.frames(file, bytes, this.expected)
      await file.write(page, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  private async frames(file: DiskFile, end: number, expected: Expected): Promise<void> {
    const window = Buffer.allocUnsafeSlow(stepBytes)
    let next = segmentHeaderBytes
    this.mark(expected.number)
    for (let from = segmentHeaderBytes; from < end; from += stepBytes) {
      const read = window.subarray(0, await file.read(window, from))
      // A header lies on a 4 KiB boundary, so in one window.
      while (next < from + read.length) {
        next += this.frame(file.path, read, next - from, expected, next)
        this.mark(expected.number)
      }
      await file.write(read, from)
    }
    if (next !== end) throw new Damaged(file.path, next, `its last frame ends there, the file at ${end}`)
  }

  /** Returns how many bytes it takes. */
  private frame(path: string, window: Buffer, at: number, expected: Expected, position: number): number {
    const found = judgeHeader(window, at, expected)
    if (found.found !== 'frame') throw new Damaged(path, position, `frame ${expected.number} is bad`)
    const { header } = found
    const bytes = frameBytes(header)
    const { headerCrcAt } = frameLayout
    const sealed = window.subarray(at, at + headerCrcAt)
    expected.chain = (header.flags & bridgeFlag) === 0 ? chainOf(sealed) : null
    this.journalId.copy(window, at + journalIdAt)
    this.chain.copy(window, at + chainAt)
    window.writeUInt32LE(crc32c(sealed), at + headerCrcAt)
    this.chain = chainOf(sealed)
    expected.number++
    expected.lsn += bytes
    return aligned(bytes)
  }

  private mark(number: number): void {
    if (number === this.beginFrame) this.beginChain = Buffer.from(this.chain)
  }

  async checkpoint(number: number): Promise<void> {
    const footer = await footerOf(this.disk, number)
    const isNewest = footer.beginFrame === this.beginFrame
    if (isNewest && this.beginChain === null) {
      throw new Damaged(checkpointPath(number), 0, `the journal ends before frame ${this.beginFrame}`)
    }
    const chain = isNewest ? this.beginChain! : footer.chain
    // An archive holds one of the two files.
    await mendCheckpoint(this.disk, number)
    for (const path of checkpointPaths(number)) {
      await this.footer(path, { ...footer, journalId: this.journalId, chain })
    }
  }

  private async footer(path: string, footer: CheckpointFooter): Promise<void> {
    const file = await this.disk.open(path, 'write')
    try {
      const at = await footerPlace(file)
      const out = new Writer(256)
      writeFooter(out, footer, at)
      await file.write(out.view(), at)
      await file.sync()
    } finally {
      await file.close()
    }
  }
}
