import { crc32c } from '../../base/index.ts'
import { DiskError, type Disk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { Appender, spanPath, TableWriter, writeDurably, type LocatedExtent, type SpanInfo } from '../span/index.ts'
import { checkTable } from './check-table.ts'
import { Window } from './window.ts'

const groupBytesMax = 8 * 1024 * 1024
const groupExtentsMax = 32 * 1024

/**
 * Writes a settled span again with what is whole of it, under its name and with its size, which the manifest knows.
 * A span that is missing or cannot be read at all becomes an empty one, so that the rest can be opened.
 */
export async function repairSpan(disk: Disk, info: SpanInfo, journalId: Buffer): Promise<void> {
  const path = spanPath(info)
  await writeDurably(disk, path, async (target) => {
    const out = new Appender(target, () => Promise.resolve())
    const copy = new SpanCopy(out)
    await copyWhole(disk, info, copy)
    await copy.flush()
    const { id, firstSeq, lastSeq, life, newestAt } = info
    const facts = {
      kind: 'settled' as const,
      life,
      journalId,
      id,
      firstSeq,
      lastSeq,
      createdAt: newestAt,
      replaced: [],
    }
    await copy.table.finish(facts, info.dataBytes)
    if (out.position !== info.dataBytes) {
      throw new Damaged(path, 0, `what is whole of it takes ${out.position} bytes, and it had ${info.dataBytes}`)
    }
  })
}

async function copyWhole(disk: Disk, info: SpanInfo, copy: SpanCopy): Promise<void> {
  let source
  try {
    source = await disk.open(spanPath(info), 'read')
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'notFound') return
    throw error
  }
  try {
    const payloads = new Window(source)
    const keep = async (partition: number, extent: LocatedExtent): Promise<void> => {
      const payload = await payloads.at(extent.pieces[0]?.position ?? 0, extent.bytes)
      if (payload.length === extent.bytes && crc32c(payload) === extent.crc) await copy.add(partition, extent, payload)
    }
    await checkTable(source, new Window(source), () => undefined, keep, info)
  } finally {
    await source.close()
  }
}

/** Payloads in groups, each followed by its index entries, as the cleaner writes them. */
class SpanCopy {
  readonly table: TableWriter
  private readonly out: Appender
  private readonly shared = new Map<number, number>()
  private group: { partition: number; extent: LocatedExtent }[] = []
  private bytes = 0

  constructor(out: Appender) {
    this.out = out
    this.table = new TableWriter(out)
  }

  async add(partition: number, extent: LocatedExtent, payload: Buffer): Promise<void> {
    const from = extent.pieces[0]?.position ?? 0
    let position = extent.shared ? this.shared.get(from) : undefined
    if (position === undefined) {
      position = this.out.position
      this.bytes += payload.length
      if (this.out.push(payload)) await this.out.step()
      if (extent.shared) this.shared.set(from, position)
    }
    this.group.push({ partition, extent: { ...extent, pieces: [{ segmentsOn: 0, position, bytes: extent.bytes }] } })
    if (this.bytes >= groupBytesMax || this.group.length >= groupExtentsMax) await this.flush()
  }

  async flush(): Promise<void> {
    for (const { partition, extent } of this.group) if (this.table.add(partition, extent)) await this.out.step()
    if (this.table.endChunk()) await this.out.step()
    this.group = []
    this.bytes = 0
  }
}
