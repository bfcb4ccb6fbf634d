import { crc32c } from '../../base/index.ts'
import type { Disk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import type { OpenSegment, SpanMetrics, Spans } from '../span/host.ts'
import type { LocatedExtent } from '../span/located-extent.ts'
import type { StoredExtent } from '../store.ts'

/** Adopts nothing: all segments stay open. For tests of the journal alone. */
export class NoSpans implements Spans {
  private readonly disk: Disk
  private readonly pathOf: (slot: number) => string

  constructor(disk: Disk, pathOf: (slot: number) => string) {
    this.disk = disk
    this.pathOf = pathOf
  }

  restore(): void {}
  replay(): void {}
  dropped(): void {}

  recovered(): Promise<void> {
    return Promise.resolve()
  }

  readonly adoptedThrough = 0

  hasSegment(): boolean {
    return false
  }

  adopt(): Promise<void> {
    return new Promise(() => undefined)
  }

  read(): Promise<StoredExtent[]> {
    return Promise.resolve([])
  }

  extents(): Promise<never[]> {
    return Promise.resolve([])
  }

  async readOpen(segments: readonly OpenSegment[], extents: readonly LocatedExtent[]): Promise<StoredExtent[]> {
    const read: StoredExtent[] = []
    for (const extent of extents) {
      const batch = Buffer.allocUnsafe(extent.bytes)
      let filled = 0
      for (const piece of extent.pieces) {
        const file = await this.disk.open(this.pathOf(segments[piece.segmentsOn]!.slot), 'read')
        filled += await file.read(batch.subarray(filled, filled + piece.bytes), piece.position)
        await file.close()
      }
      if (crc32c(batch) !== extent.crc) {
        throw new Damaged(this.pathOf(segments[0]!.slot), extent.pieces[0]!.position, 'stored bytes fail their check')
      }
      read.push({ ...extent, batch })
    }
    return read
  }

  nextOffset(): number {
    return 0
  }

  bytesFrom(): number {
    return 0
  }

  checkpoint(): null {
    return null
  }

  clean(): Promise<void> {
    return Promise.resolve()
  }

  metrics(): SpanMetrics {
    return { settledBytes: 0, liveBytes: 0, diskBytes: 0, cacheBytes: 0, cacheHits: 0, cacheMisses: 0, spans: 0 }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
