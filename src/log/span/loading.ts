import { blockBytes, type BlockCache, type CachedFile, type ReaderId } from '../cache/index.ts'
import type { ReadMemory, StoredExtent } from '../store.ts'
import type { LocatedExtent } from './located-extent.ts'
import { readPayload, type FileOf } from './payload.ts'

interface Wanted {
  extent: LocatedExtent
  reader: ReaderId
  fileOf: FileOf
  stored: StoredExtent
}

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
  private readonly memory: ReadMemory | undefined
  private wanted: Wanted[] = []
  /** Index of the first extent that could not be read, and why. */
  private failedAt = Infinity
  private failure: Error | null = null

  constructor(cache: BlockCache, memory?: ReadMemory) {
    this.cache = cache
    this.memory = memory
  }

  add(extent: LocatedExtent, reader: ReaderId, fileOf: FileOf): void {
    const { baseOffset, count, maxTimestamp, appendTime, flags, meta } = extent
    const stored: StoredExtent = { baseOffset, count, maxTimestamp, appendTime, flags, meta, batch: none }
    this.found.push(stored)
    this.wanted.push({ extent, reader, fileOf, stored })
  }

  /**
   * Loads what was added and resolves when nothing is under way any more. Rejects with the first failure; then `found`
   * ends before it.
   */
  async loaded(): Promise<void> {
    const { wanted, cache } = this
    this.wanted = []
    const before = this.found.length - wanted.length
    const memory = this.memory ?? exactly(wanted.reduce((bytes, { extent }) => bytes + extent.bytes, 0))
    const late: Promise<void>[] = []
    for (let index = 0; index < wanted.length; index++) {
      const { extent, reader, fileOf, stored } = wanted[index]!
      try {
        stored.batch = memory.take(extent.bytes)
        const reading = readPayload(cache, fileOf, extent, reader, stored.batch)
        if (reading !== undefined) late.push(reading.catch((error: unknown) => this.failed(before + index, error)))
        this.note(extent, fileOf)
      } catch (error) {
        this.failed(before + index, error)
        break
      }
    }
    if (late.length > 0) await Promise.all(late)
    if (this.failure === null) return
    this.found.length = this.failedAt
    throw this.failure
  }

  private note({ pieces }: LocatedExtent, fileOf: FileOf): void {
    const piece = pieces[pieces.length - 1]
    // In another file the next read begins anew; and whether that is there its payload has to say.
    if (piece === undefined || piece.segmentsOn > 0) return
    const file = fileOf(piece.segmentsOn)
    if (this.file?.id !== file.id) this.first = Math.floor(pieces[0]!.position / blockBytes)
    this.file = file
    this.last = Math.floor((piece.position + piece.bytes - 1) / blockBytes)
  }

  private failed(index: number, error: unknown): void {
    if (index >= this.failedAt) return
    this.failedAt = index
    this.failure = error as Error
  }
}

const none = Buffer.alloc(0)

/** One piece of memory for all: nobody is to keep more of it than was read together. */
function exactly(bytes: number): ReadMemory {
  const memory = Buffer.allocUnsafeSlow(bytes)
  let used = 0
  return { take: (part) => memory.subarray(used, (used += part)), clear: () => (used = 0) }
}
