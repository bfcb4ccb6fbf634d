import type { Disk } from '../../world/index.ts'
import { Appender } from './appender.ts'
import type { FooterFacts } from './table-writer.ts'
import { TableWriter } from './table-writer.ts'
import type { SegmentIndex } from './segment-index.ts'
import { writeDurably } from './write-durably.ts'

export const sidecarFolder = 'index'
export const sidecarPath = (segmentSeq: number): string => `${sidecarFolder}/${segmentSeq}.idx`

/**
 * Writes the index of an adopted segment beside it: a cache, sorted by (partition, offset), which a scan of the segment
 * makes again when it is lost. Returns its bytes.
 */
export async function writeSidecar(
  disk: Disk,
  index: SegmentIndex,
  facts: Pick<FooterFacts, 'journalId' | 'createdAt'>,
  beforeStep: (bytes: number) => Promise<void>,
): Promise<number> {
  const seq = index.segmentSeq
  return writeDurably(disk, sidecarPath(seq), async (file) => {
    const out = new Appender(file, beforeStep)
    const table = new TableWriter(out)
    for (const partition of index.partitions()) {
      for (let nth = 0; nth < index.extentCount(partition); nth++) {
        if (table.add(partition, index.extent(partition, nth))) await out.step()
      }
    }
    await table.finish({ ...facts, kind: 'sidecar', life: null, id: 0, firstSeq: seq, lastSeq: seq, replaced: [] })
    return out.position
  })
}
