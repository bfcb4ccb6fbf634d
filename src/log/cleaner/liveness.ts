import type { DirectoryRecord, LocatedExtent, TableReader } from '../span/index.ts'
import type { Life } from '../store.ts'

/** Who knows what is still needed: the partition's bounds and the core. Nothing is ever counted along (F7). */
export interface Authority {
  /** The first offset that is kept; Infinity when the partition was dropped. */
  start(partition: number): number
  needed(partition: number, first: number, last: number): boolean
  life(partition: number): Life
}

export interface Liveness {
  liveBytes: number
  liveExtents: number
  byLife: Partial<Record<Life, number>>
}

/** Chunks of one partition that are looked into; of the others the same share is assumed to live. */
const sampledChunksMax = 8

/** Is any record of [first, end) still needed? */
export function isLive(authority: Authority, partition: number, first: number, end: number): boolean {
  const from = Math.max(first, authority.start(partition))
  return from < end && authority.needed(partition, from, end - 1)
}

export const isLiveExtent = (authority: Authority, partition: number, extent: LocatedExtent): boolean =>
  isLive(authority, partition, extent.baseOffset, extent.baseOffset + extent.count)

/**
 * Measures a span: exact about whether anything lives, and about how much where partitions are wholly live or wholly
 * dead or small; else from a sample. What is carried out later is decided extent by extent again.
 */
export async function measure(table: TableReader, authority: Authority): Promise<Liveness> {
  const liveness: Liveness = { liveBytes: 0, liveExtents: 0, byLife: {} }
  for (let page = 0; page < table.directoryPages; page++) {
    for (const record of await table.directoryPage(page)) {
      const { partition, firstOffset, endOffset } = record
      if (!isLive(authority, partition, firstOffset, endOffset)) continue
      const life = authority.life(partition)
      const whole = authority.start(partition) <= firstOffset && life !== 'consumed' && life !== 'compacted'
      const part = whole ? record : await partly(table, record, authority)
      const bytes = whole ? record.payloadBytes : part.payloadBytes
      liveness.liveBytes += bytes
      liveness.liveExtents += part.extents
      liveness.byLife[life] = (liveness.byLife[life] ?? 0) + bytes
    }
  }
  return liveness
}

async function partly(
  table: TableReader,
  record: DirectoryRecord,
  authority: Authority,
): Promise<{ payloadBytes: number; extents: number }> {
  const { partition, firstChunk, chunks } = record
  const live = { payloadBytes: 0, extents: 0 }
  const sampled = { payloadBytes: 0, live: 0 }
  const every = Math.ceil(chunks / sampledChunksMax)
  for (let n = 0; n < chunks; n++) {
    const chunk = await table.chunkAt(firstChunk + n)
    const end = n + 1 < chunks ? (await table.chunkAt(firstChunk + n + 1)).firstOffset : record.endOffset
    if (!isLive(authority, partition, chunk.firstOffset, end)) continue
    if (n % every === 0) {
      const extents = (await table.entries(chunk)).filter((extent) => isLiveExtent(authority, partition, extent))
      const bytes = extents.reduce((sum, extent) => sum + extent.bytes, 0)
      live.extents += extents.length
      live.payloadBytes += bytes
      sampled.payloadBytes += chunk.payloadBytes
      sampled.live += bytes
    } else {
      const share = sampled.payloadBytes === 0 ? 1 : sampled.live / sampled.payloadBytes
      live.extents += Math.max(1, Math.round(chunk.extents * share))
      live.payloadBytes += Math.round(chunk.payloadBytes * share)
    }
  }
  return live
}
