import { blockBytes, type BlockCache, type CachedFile, type ReaderId } from '../cache/index.ts'
import type { StoredExtent } from '../store.ts'
import type { LocatedExtent } from './located-extent.ts'
import { readPayload } from './payload.ts'

/** A larger one is a good part of its block. */
const copiedBytesMax = blockBytes / 8

/**
 * Extents whose payloads are being loaded, all at once: one after the other, each would wait for the disk alone. What
 * is whole before the first that cannot be had is worth having.
 */
export class Loading {
  readonly found: StoredExtent[] = []
  /** Where the last one lies, and the blocks of that file that were read, from the first to the last. */
  file: CachedFile | null = null
  first = 0
  last = 0
  private readonly cache: BlockCache
  /** Where the last one ends. */
  private end = -Infinity
  private late: Promise<void>[] = []
  /** Index of the first extent that could not be read, and why. */
  private failedAt = Infinity
  private failure: Error | null = null

  constructor(cache: BlockCache) {
    this.cache = cache
  }

  /** `fileOf` gives the file of the segment so many on. */
  add(extent: LocatedExtent, reader: ReaderId, fileOf: (segmentsOn: number) => CachedFile): void {
    const { baseOffset, count, maxTimestamp, appendTime, flags, meta } = extent
    const stored: StoredExtent = { baseOffset, count, maxTimestamp, appendTime, flags, meta, batch: none }
    const index = this.found.push(stored) - 1
    const alone = this.liesAlone(extent)
    const take = (batch: Buffer): void => void (stored.batch = alone ? Buffer.from(batch) : batch)
    try {
      const payload = readPayload(this.cache, fileOf, extent, reader)
      if (!(payload instanceof Promise)) take(payload)
      else this.late.push(payload.then(take).catch(this.failedBy(index)))
    } catch (error) {
      this.failedBy(index)(error)
      return
    }
    this.note(extent, fileOf)
  }

  /**
   * A small one, with none before it in its block that it could share it with: a slice would keep the whole block in
   * memory, one for each message of a queue among many.
   */
  private liesAlone({ pieces, bytes }: LocatedExtent): boolean {
    const piece = pieces[0]
    if (piece === undefined || bytes > copiedBytesMax) return false
    const gap = piece.position - this.end
    this.end = piece.position + piece.bytes
    return gap < 0 || gap > bytes
  }

  private note({ pieces }: LocatedExtent, fileOf: (segmentsOn: number) => CachedFile): void {
    const piece = pieces[pieces.length - 1]
    // In another file the next read begins anew; and whether that is there its payload has to say.
    if (piece === undefined || piece.segmentsOn > 0) return
    const file = fileOf(piece.segmentsOn)
    if (this.file?.id !== file.id) this.first = Math.floor(pieces[0]!.position / blockBytes)
    this.file = file
    this.last = Math.floor((piece.position + piece.bytes - 1) / blockBytes)
  }

  private failedBy(index: number): (error: unknown) => void {
    return (error) => {
      if (index >= this.failedAt) return
      this.failedAt = index
      this.failure = error as Error
    }
  }

  /** When nothing is under way any more. Rejects with the first failure; then `found` ends before it. */
  async loaded(): Promise<void> {
    const { late } = this
    this.late = []
    await Promise.all(late)
    if (this.failure === null) return
    this.found.length = this.failedAt
    throw this.failure
  }
}

const none = Buffer.alloc(0)
