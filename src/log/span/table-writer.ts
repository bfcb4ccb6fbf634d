import { assert, crc32c, Writer } from '../../base/index.ts'
import type { Appender } from './appender.ts'
import {
  chunkRecordBytes,
  directoryRecordBytes,
  writeChunkRecord,
  writeDirectoryRecord,
  type DirectoryRecord,
} from './directory.ts'
import { chunkBytesTarget, EntryEncoder } from './entries.ts'
import { footerBytes, writeFooter, type Footer } from './footer.ts'
import type { LocatedExtent } from './located-extent.ts'
import { recordPageBytes, RecordPages } from './paged-records.ts'

export type FooterFacts = Pick<
  Footer,
  'kind' | 'life' | 'journalId' | 'id' | 'firstSeq' | 'lastSeq' | 'createdAt' | 'replaced'
>

/**
 * Writes the index of a span (after or between its payloads) or of a segment (alone, as its sidecar):
 *
 *   | payloads and chunks of entries, mixed | zeros | sparse index: pages of chunk records | directory pages | footer |
 *
 * Chunks go out as they fill, so that a span of millions of extents is written with little memory: 40 bytes stay for
 * each chunk of some 200 extents.
 */
export class TableWriter {
  private readonly out: Appender
  private readonly onPartition: (record: DirectoryRecord) => void
  private readonly encoder = new EntryEncoder(new Writer(chunkBytesTarget * 2))
  private readonly chunks = new RecordPages(chunkRecordBytes)
  private readonly directory = new RecordPages(directoryRecordBytes)
  private current: DirectoryRecord | null = null
  private chunkFirstOffset = 0
  private chunkMaxTimestamp = 0
  private chunkPayloadBytes = 0
  private extents = 0
  private payloadBytes = 0
  private segmentsOn = 0

  /** `onPartition` is told of each partition when all of it was added. */
  constructor(out: Appender, onPartition: (record: DirectoryRecord) => void = () => undefined) {
    this.out = out
    this.onPartition = onPartition
  }

  /** Extents come sorted by partition, then offset. True: await `out.step()` before more. */
  add(partition: number, extent: LocatedExtent): boolean {
    let full = false
    if (this.current?.partition !== partition) {
      full = this.closePartition()
      this.openPartition(partition, extent)
    }
    const current = this.current!
    const end = extent.baseOffset + extent.count
    assert(extent.baseOffset >= current.endOffset, 'extents of a partition out of order')
    if (this.encoder.count === 0) this.openChunk(extent)
    this.encoder.add(extent)
    this.chunkMaxTimestamp = Math.max(this.chunkMaxTimestamp, extent.maxTimestamp)
    this.chunkPayloadBytes += extent.bytes
    current.endOffset = end
    current.maxTimestamp = Math.max(current.maxTimestamp, extent.maxTimestamp)
    current.lastAppendTime = Math.max(current.lastAppendTime, extent.appendTime)
    current.payloadBytes += extent.bytes
    current.extents++
    this.extents++
    this.payloadBytes += extent.bytes
    this.segmentsOn = Math.max(this.segmentsOn, extent.pieces[extent.pieces.length - 1]?.segmentsOn ?? 0)
    if (this.encoder.out.length >= chunkBytesTarget) full = this.closeChunk() || full
    return full
  }

  private openPartition(partition: number, first: LocatedExtent): void {
    this.current = {
      partition,
      firstOffset: first.baseOffset,
      endOffset: first.baseOffset,
      maxTimestamp: first.maxTimestamp,
      lastAppendTime: first.appendTime,
      payloadBytes: 0,
      extents: 0,
      firstChunk: this.chunks.count,
      chunks: 0,
    }
  }

  private openChunk(first: LocatedExtent): void {
    this.encoder.begin(first.baseOffset)
    this.chunkFirstOffset = first.baseOffset
    this.chunkMaxTimestamp = first.maxTimestamp
    this.chunkPayloadBytes = 0
  }

  /** Ends the chunk here, so that its entries stand near the payloads just written. True: await `out.step()`. */
  endChunk(): boolean {
    return this.encoder.count > 0 && this.closeChunk()
  }

  private closeChunk(): boolean {
    const entries = this.encoder.out.view()
    const { bytes, at } = this.chunks.add()
    writeChunkRecord(bytes, at, {
      firstOffset: this.chunkFirstOffset,
      position: this.out.position,
      bytes: entries.length,
      crc: crc32c(entries),
      maxTimestamp: this.chunkMaxTimestamp,
      extents: this.encoder.count,
      payloadBytes: this.chunkPayloadBytes,
    })
    this.current!.chunks++
    const full = this.out.push(entries)
    this.encoder.begin(0)
    return full
  }

  private closePartition(): boolean {
    if (this.current === null) return false
    const full = this.endChunk()
    const { bytes, at } = this.directory.add()
    writeDirectoryRecord(bytes, at, this.current)
    this.onPartition(this.current)
    this.current = null
    return full
  }

  /**
   * Writes everything that is left, and returns the footer. The caller syncs the file. `fileBytes`: zeros go before the
   * footer until the file has this size, at least.
   */
  async finish(facts: FooterFacts, fileBytes = 0): Promise<Footer> {
    this.closePartition()
    // Pages at multiples of their size never lie across two blocks of the cache.
    this.out.push(Buffer.alloc(recordPageBytes - (this.out.position % recordPageBytes)))
    const chunksPosition = this.out.position
    this.out.push(this.chunks.finish())
    const directoryPosition = this.out.position
    this.out.push(this.directory.finish())
    const footer: Footer = {
      ...facts,
      extents: this.extents,
      payloadBytes: this.payloadBytes,
      segmentsOn: this.segmentsOn,
      chunks: this.chunks.count,
      chunksPosition,
      partitions: this.directory.count,
      directoryPosition,
    }
    const unused = fileBytes - footerBytes - this.out.position
    if (unused > 0) this.out.push(Buffer.alloc(unused))
    this.out.push(writeFooter(footer))
    await this.out.step()
    return footer
  }
}
