import type { Disk, DiskFile } from '../../world/index.ts'
import {
  Appender,
  TableWriter,
  unfinishedSuffix,
  type DirectoryRecord,
  type Footer,
  type FooterFacts,
  type LocatedExtent,
} from '../span/index.ts'
import { gather, type ReadAt, type Wanted } from './gather.ts'
import type { Source } from './source.ts'

const groupBytesMax = 8 * 1024 * 1024
const groupExtentsMax = 32 * 1024
/** Shared payloads remembered; one beyond is written once more, which is safe. */
const sharedMax = 256 * 1024

interface Member {
  partition: number
  extent: LocatedExtent
  /** Where its payload stands in the output. */
  position: number
}

/**
 * Writes one settled span from extents that come sorted by (partition, offset). They are gathered in groups of some
 * megabytes: each group's payloads are fetched, checked and written, then the group's index entries.
 */
export class SpanOutput {
  readonly partitions: DirectoryRecord[] = []
  private readonly path: string
  private readonly disk: Disk
  private readonly file: DiskFile
  private readonly out: Appender
  private readonly table: TableWriter
  private readonly readAt: ReadAt
  private members: Member[] = []
  private wanted: Wanted[] = []
  private groupBytes = 0
  /** Where a payload that several extents name was written: by source span and position there. */
  private readonly shared = new Map<string, number>()

  private constructor(
    disk: Disk,
    path: string,
    file: DiskFile,
    readAt: ReadAt,
    beforeStep: (bytes: number) => Promise<void>,
  ) {
    this.disk = disk
    this.path = path
    this.file = file
    this.readAt = readAt
    this.out = new Appender(file, beforeStep)
    this.table = new TableWriter(this.out, (record) => this.partitions.push(record))
  }

  static async begin(
    disk: Disk,
    path: string,
    readAt: ReadAt,
    beforeStep: (bytes: number) => Promise<void>,
  ): Promise<SpanOutput> {
    const file = await disk.open(path + unfinishedSuffix, 'create')
    return new SpanOutput(disk, path, file, readAt, beforeStep)
  }

  /** Nothing was added: there is nothing to keep. */
  get empty(): boolean {
    return this.members.length === 0 && this.out.position === 0
  }

  async add(partition: number, source: Source, extent: LocatedExtent): Promise<void> {
    if (this.members.length > 0 && this.groupBytes + extent.bytes > groupBytesMax) await this.flush()
    const position = this.positionOf(source, extent)
    this.members.push({ partition, extent, position })
    if (this.members.length >= groupExtentsMax) await this.flush()
  }

  private positionOf(source: Source, extent: LocatedExtent): number {
    const first = extent.pieces[0]
    const key = extent.shared && first !== undefined ? `${source.info.id}/${first.segmentsOn}/${first.position}` : ''
    const known = key === '' ? undefined : this.shared.get(key)
    if (known !== undefined) return known
    const position = this.out.position + this.groupBytes
    this.wanted.push({ extent, file: source.file, to: this.groupBytes })
    this.groupBytes += extent.bytes
    if (key !== '' && this.shared.size < sharedMax) this.shared.set(key, position)
    return position
  }

  private async flush(): Promise<void> {
    const payloads = Buffer.allocUnsafeSlow(this.groupBytes)
    await gather(this.wanted, payloads, this.readAt)
    if (this.out.push(payloads)) await this.out.step()
    for (const { partition, extent, position } of this.members) {
      const pieces = [{ segmentsOn: 0, position, bytes: extent.bytes }]
      if (this.table.add(partition, { ...extent, pieces })) await this.out.step()
    }
    if (this.table.endChunk()) await this.out.step()
    this.members = []
    this.wanted = []
    this.groupBytes = 0
  }

  /** Writes the rest and makes the file durable under its name. Returns its bytes. */
  async finish(facts: FooterFacts): Promise<{ footer: Footer; bytes: number }> {
    if (this.members.length > 0) await this.flush()
    const footer = await this.table.finish(facts)
    await this.file.sync()
    await this.file.close()
    await this.disk.rename(this.path + unfinishedSuffix, this.path)
    await this.disk.syncFolder(this.path.slice(0, this.path.lastIndexOf('/')))
    return { footer, bytes: this.out.position }
  }

  /** Nobody will know that it was begun. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => undefined)
    await this.disk.remove(this.path + unfinishedSuffix)
    await this.disk.remove(this.path)
  }
}
