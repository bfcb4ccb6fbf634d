import { crc32c } from '../../base/index.ts'
import type { Disk } from '../../world/index.ts'
import type { Footer } from '../span/footer.ts'
import type { LocatedExtent } from '../span/located-extent.ts'
import type { SpanInfo } from '../span/span-info.ts'
import { checkTable } from './check-table.ts'
import { finding, type Finding } from './finding.ts'
import { Window } from './window.ts'

export interface SpanCheck {
  /** Null when the span cannot be read at all. */
  footer: Footer | null
  extents: number
  /** The partitions that could be found. */
  partitions: ReadonlySet<number>
}

/**
 * Reads every byte of a settled span: its index, and each payload against its checksum. Also how the cleaner verifies
 * what it wrote before the manifest may name it (C6).
 */
export async function checkSpan(
  disk: Disk,
  path: string,
  report: (found: Finding) => void,
  info: SpanInfo | null = null,
): Promise<SpanCheck> {
  const file = await disk.open(path, 'read')
  try {
    const payloads = new Window(file)
    let extents = 0
    const partitions = new Set<number>()
    const footer = await checkTable(
      file,
      new Window(file),
      report,
      async (partition, extent) => {
        extents++
        partitions.add(partition)
        await checkPayload(path, payloads, partition, extent, report)
      },
      info,
    )
    return { footer, extents, partitions }
  } finally {
    await file.close()
  }
}

async function checkPayload(
  path: string,
  window: Window,
  partition: number,
  extent: LocatedExtent,
  report: (found: Finding) => void,
): Promise<void> {
  const { position } = extent.pieces[0] ?? { position: 0 }
  const payload = await window.at(position, extent.bytes)
  if (payload.length === extent.bytes && crc32c(payload) === extent.crc) return
  const last = extent.baseOffset + extent.count - 1
  const detail = `the payload of partition ${partition}, offsets ${extent.baseOffset} to ${last}, fails its checksum`
  report(finding('loss', path, position, extent.bytes, detail, [{ partition, first: extent.baseOffset, last }]))
}
