import { assert } from '../../base/index.ts'
import type { FilePool } from './file-pool.ts'
import { ReadGate } from './read-gate.ts'

export const blockBytes = 256 * 1024
const blocksPerFileMax = 2 ** 22
/** Of all the bytes: what was wanted twice may take so much, the rest is for what comes by once. */
const keptShare = 0.8
const readsMax = 2

/** A file as the cache knows it. Ids are never reused, though paths are (a slot is recycled). */
export interface CachedFile {
  readonly id: number
  readonly path: string
  /** Bytes that will not change any more; grows while a segment is being written. */
  readonly bytes: number
}

/** Who reads, so that one reader passing by is told from several that want the same. */
export type ReaderId = number
/** For indexes: they are wanted again at once, whoever reads. */
export const indexReader: ReaderId = -1

export interface Block {
  readonly key: number
  readonly bytes: Buffer
  readonly firstReader: ReaderId
  /** Position range in the file whose payloads were checked since the block was loaded. */
  checkedFrom: number
  checkedTo: number
}

/**
 * Aligned windows of 256 KiB of any file, shared by all readers (D2), within a hard limit of bytes. Two queues, each
 * least recently used first: a new block is *on probation* and moves to the *kept* ones when a second reader wants it;
 * probation is evicted first. So one cold consumer reading through everything costs the others nothing (D5).
 */
export class BlockCache {
  bytes = 0
  hits = 0
  misses = 0
  private keptBytes = 0
  private readonly bytesMax: number
  private readonly files: FilePool
  private readonly gate = new ReadGate(readsMax)
  private readonly probation = new Map<number, Block>()
  private readonly kept = new Map<number, Block>()
  private readonly loading = new Map<number, Promise<Block>>()

  constructor(files: FilePool, bytesMax: number) {
    assert(bytesMax >= 8 * blockBytes, 'the block cache needs room for the blocks being loaded')
    this.files = files
    this.bytesMax = bytesMax
  }

  /** Block `index` of the file, at least `need` bytes of it. */
  get(file: CachedFile, index: number, need: number, reader: ReaderId): Block | Promise<Block> {
    const key = file.id * blocksPerFileMax + index
    const block = this.probation.get(key) ?? this.kept.get(key)
    if (block !== undefined && block.bytes.length >= need) {
      this.hits++
      this.touch(block, reader)
      return block
    }
    const coming = this.loading.get(key)
    if (coming !== undefined) {
      return coming.then((loaded) => (loaded.bytes.length >= need ? loaded : this.get(file, index, need, reader)))
    }
    this.misses++
    if (block !== undefined) this.drop(block)
    return this.load(file, index, key, reader)
  }

  /** Loads blocks that a sequential reader will want, while nobody else reads. */
  prefetch(file: CachedFile, first: number, count: number, reader: ReaderId): void {
    if (!this.gate.idle) return
    const end = Math.min(first + count, Math.ceil(file.bytes / blockBytes))
    for (let index = first; index < end; index++) {
      const key = file.id * blocksPerFileMax + index
      if (this.probation.has(key) || this.kept.has(key) || this.loading.has(key)) continue
      this.load(file, index, key, reader).catch(() => undefined) // Whoever needs the block will see the error.
    }
  }

  private load(file: CachedFile, index: number, key: number, reader: ReaderId): Promise<Block> {
    const loaded = this.gate.run(() => this.read(file, index, key, reader))
    this.loading.set(key, loaded)
    const done = (): void => void this.loading.delete(key)
    loaded.then(done, done)
    return loaded
  }

  private async read(file: CachedFile, index: number, key: number, reader: ReaderId): Promise<Block> {
    const at = index * blockBytes
    const length = Math.max(0, Math.min(blockBytes, file.bytes - at))
    this.makeRoom(length)
    this.bytes += length
    let bytes: Buffer
    try {
      bytes = Buffer.allocUnsafeSlow(length)
      const there = await this.files.read(file.path, bytes, at)
      if (there < length) {
        this.bytes -= length - there
        bytes = bytes.subarray(0, there)
      }
    } catch (error) {
      this.bytes -= length
      throw error
    }
    const block: Block = { key, bytes, firstReader: reader, checkedFrom: 0, checkedTo: 0 }
    if (reader === indexReader) this.keep(block)
    else this.probation.set(key, block)
    return block
  }

  private touch(block: Block, reader: ReaderId): void {
    if (this.kept.delete(block.key)) {
      this.kept.set(block.key, block)
    } else if (reader === block.firstReader) {
      this.probation.delete(block.key)
      this.probation.set(block.key, block)
    } else {
      this.probation.delete(block.key)
      this.keep(block)
    }
  }

  private keep(block: Block): void {
    this.kept.set(block.key, block)
    this.keptBytes += block.bytes.length
    for (const oldest of this.kept.values()) {
      if (this.keptBytes <= this.bytesMax * keptShare) return
      this.kept.delete(oldest.key)
      this.keptBytes -= oldest.bytes.length
      this.probation.set(oldest.key, oldest)
    }
  }

  private makeRoom(needed: number): void {
    for (const queue of [this.probation, this.kept]) {
      for (const oldest of queue.values()) {
        if (this.bytes + needed <= this.bytesMax) return
        this.drop(oldest)
      }
    }
  }

  private drop(block: Block): void {
    if (this.kept.delete(block.key)) this.keptBytes -= block.bytes.length
    else if (!this.probation.delete(block.key)) return
    this.bytes -= block.bytes.length
  }

  clear(): void {
    for (const queue of [this.probation, this.kept]) for (const block of queue.values()) this.drop(block)
  }

  /** Forgets a file that is gone. */
  forget(file: CachedFile): void {
    this.forgetRange(file, 0, file.bytes)
  }

  /** What is there of these bytes is read again. */
  forgetRange(file: CachedFile, at: number, length: number): void {
    const end = Math.ceil((at + length) / blockBytes)
    for (let index = Math.floor(at / blockBytes); index < end; index++) {
      const key = file.id * blocksPerFileMax + index
      const block = this.probation.get(key) ?? this.kept.get(key)
      if (block !== undefined) this.drop(block)
    }
  }

  /** A large read that would only push others out: straight from the disk, into memory of the caller's. */
  around(file: CachedFile, into: Buffer, at: number): Promise<number> {
    return this.gate.run(() => this.files.read(file.path, into, at))
  }
}
