import type { CachedFile } from '../cache/index.ts'
import type { DirectoryRecord, LocatedExtent, SpanInfo, TableReader } from '../span/index.ts'
import { isLiveExtent, type Authority } from './liveness.ts'

/** A span that is being merged: its index, and where its payloads are. */
export interface Source {
  info: SpanInfo
  table: TableReader
  file(segmentsOn: number): CachedFile
}

/** Walks a directory record by record. */
class DirectoryWalk {
  readonly source: Source
  record: DirectoryRecord | null = null
  private records: DirectoryRecord[] = []
  private at = 0
  private page = 0

  constructor(source: Source) {
    this.source = source
  }

  async next(): Promise<void> {
    if (this.at === this.records.length) {
      this.at = 0
      this.records =
        this.page < this.source.table.directoryPages ? await this.source.table.directoryPage(this.page++) : []
    }
    this.record = this.records[this.at++] ?? null
  }
}

/** What the sources have of one partition, in the order of its offsets. */
export interface PartitionSources {
  partition: number
  parts: { source: Source; record: DirectoryRecord }[]
}

/** All partitions of the sources, rising. `sources` in the order of the list of spans. */
export async function* partitionsOf(sources: readonly Source[]): AsyncGenerator<PartitionSources> {
  const walks = sources.map((source) => new DirectoryWalk(source))
  for (const walk of walks) await walk.next()
  for (;;) {
    let partition = Infinity
    for (const { record } of walks) if (record !== null && record.partition < partition) partition = record.partition
    if (partition === Infinity) return
    const parts: PartitionSources['parts'] = []
    for (const walk of walks) {
      if (walk.record?.partition !== partition) continue
      parts.push({ source: walk.source, record: walk.record })
      await walk.next()
    }
    parts.sort((a, b) => a.record.firstOffset - b.record.firstOffset)
    yield { partition, parts }
  }
}

/** The partition's extents that are still needed, in order, a chunk at a time. */
export async function* liveExtents(
  { partition, parts }: PartitionSources,
  authority: Authority,
): AsyncGenerator<{ source: Source; extents: LocatedExtent[] }> {
  for (const { source, record } of parts) {
    for (let n = 0; n < record.chunks; n++) {
      const entries = await source.table.entries(await source.table.chunkAt(record.firstChunk + n))
      const extents = entries.filter((extent) => isLiveExtent(authority, partition, extent))
      if (extents.length > 0) yield { source, extents }
    }
  }
}
