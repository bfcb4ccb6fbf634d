import { assert, AssertionError, Gate } from '../../base/index.ts'
import { Damaged } from '../damaged.ts'
import type { FilePool } from './file-pool.ts'
import { Arriving } from './arriving.ts'

export const blockBytes = 256 * 1024
/** More than this goes around the cache: it would push out what many want for what one wants once. */
const cachedBytesMax = 512 * 1024
const blocksPerFileMax = 2 ** 22
/**
 * Of all the bytes: what was wanted twice may take so much, and so much what was read ahead and nobody has wanted yet.
 * The rest is for what comes by once, and enough for who reads many partitions together: what the first of them reads is
 * to be there for the last.
 */
const keptShare = 0.5
const aheadShare = 0.2
/** Reads of the disk at once: commits never wait behind more (D3). */
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

/** A window of a file. Its memory is another block's as soon as this one was dropped, so nobody else may keep it. */
export interface Block {
  readonly key: number
  readonly slab: Buffer
  /** What the file had, at the beginning of the slab. */
  readonly bytes: Buffer
  readonly firstReader: ReaderId
  /** Position range in the file whose payloads were checked since the block was loaded. */
  checkedFrom: number
  checkedTo: number
  /** How many loads there had been before its own. */
  readonly loaded: number
}

/** A part of a read, in one block. */
interface Wanted {
  readonly file: CachedFile
  readonly index: number
  readonly reader: ReaderId
  /** Range in the block. */
  readonly from: number
  readonly end: number
  readonly into: Buffer
  /** Position in `into`. */
  readonly to: number
}

/** Who waits for a block that is being loaded. */
interface Waiting {
  readonly wanted: Wanted
  readonly arriving: Arriving<Block>
  /** The load was begun for him: what it brings is all that there is. */
  readonly own: boolean
}

/**
 * Aligned windows of 256 KiB of any file, shared by all readers (D2), within a hard limit of bytes. Three queues, each
 * least recently used first: a new block is *on probation* and moves to the *kept* ones when a second reader wants it;
 * what was read *ahead* waits by itself for its first one. Probation is evicted first. So one who reads through a
 * partition once costs the others nothing (D5), nor what is about to be wanted. Each partition that somebody reads is a
 * reader: who reads several that share their blocks keeps those, in the half that there is for such.
 *
 * Readers get copies. So the memory of a block that is dropped is the next one's at once: no collection of garbage, no
 * page of it to be found by the kernel, and nobody who is slow keeps a block for one of its messages.
 */
export class BlockCache {
  /** Memory of all blocks, and what is free for the next ones. */
  bytes = 0
  hits = 0
  misses = 0
  private keptBytes = 0
  /** With what is being loaded. */
  private aheadBytes = 0
  private loads = 0
  private readonly bytesMax: number
  private readonly files: FilePool
  private readonly gate = new Gate(readsMax)
  private readonly probation = new Map<number, Block>()
  private readonly kept = new Map<number, Block>()
  private readonly ahead = new Map<number, Block>()
  private readonly loading = new Map<number, Waiting[]>()
  /** Memory of whole blocks that were dropped. */
  private free: Buffer[] = []

  constructor(files: FilePool, bytesMax: number) {
    assert(bytesMax >= 8 * blockBytes, 'the block cache needs room for the blocks being loaded')
    this.files = files
    this.bytesMax = bytesMax
  }

  /**
   * Copies what the file has from `at` on to `into`; at once when it is in memory. Returns the block when it came from
   * one alone. Rejects with a `DiskError`, or with `Damaged` when the file ends before that; nothing is written to `into`
   * after it has settled.
   */
  read(file: CachedFile, at: number, into: Buffer, reader: ReaderId): Block | null | Promise<Block | null> {
    if (into.length > cachedBytesMax) return this.around(file, into, at).then((there) => whole(file, at, into, there))
    const end = at + into.length
    let arriving: Arriving<Block> | null = null
    let block: Block | null = null
    for (let index = Math.floor(at / blockBytes), position = at; position < end; index++) {
      const start = index * blockBytes
      const next = Math.min(end, start + blockBytes)
      const to = position - at
      block = this.find(file, index, next - start, reader)
      if (block !== null) {
        block.bytes.copy(into, to, position - start, next - start)
      } else {
        arriving ??= new Arriving<Block>()
        this.want({ file, index, reader, from: position - start, end: next - start, into, to }, arriving)
      }
      position = next
    }
    const alone = at % blockBytes <= blockBytes - into.length
    if (arriving !== null) return alone ? arriving.all : arriving.all.then(() => null)
    return alone ? block : null
  }

  private get(key: number): Block | undefined {
    return this.probation.get(key) ?? this.kept.get(key) ?? this.ahead.get(key)
  }

  private find(file: CachedFile, index: number, need: number, reader: ReaderId): Block | null {
    const key = file.id * blocksPerFileMax + index
    const block = this.get(key)
    if (block === undefined || block.bytes.length < need) return null
    this.hits++
    this.touch(block, reader)
    return block
  }

  private want(wanted: Wanted, arriving: Arriving<Block>): void {
    const { file, index, reader } = wanted
    const key = file.id * blocksPerFileMax + index
    arriving.expected++
    const coming = this.loading.get(key)
    if (coming !== undefined) {
      coming.push({ wanted, arriving, own: false })
      return
    }
    this.misses++
    const short = this.get(key)
    if (short !== undefined) this.drop(short)
    void this.load(file, index, reader, [{ wanted, arriving, own: true }])
  }

  /**
   * Loads blocks that a sequential reader will want, one after the other and as long as the disk has a place free. More
   * than a part of the cache would push out what others have read ahead. Never rejects. Until it resolves the file must be
   * there.
   */
  async prefetch(file: CachedFile, first: number, count: number, reader: ReaderId): Promise<void> {
    const end = Math.min(first + count, Math.ceil(file.bytes / blockBytes))
    for (let index = first; index < end; index++) {
      const key = file.id * blocksPerFileMax + index
      if (this.get(key) !== undefined || this.loading.has(key)) continue
      if (!this.gate.idle || !this.roomAhead()) return
      // Whoever needs the block will see the error.
      await this.load(file, index, reader, [], true)
    }
  }

  /** Nobody comes any more for what has been passed over by twice as many blocks as there are. */
  private roomAhead(): boolean {
    for (const oldest of this.ahead.values()) {
      if ((this.loads - oldest.loaded) * blockBytes < 2 * this.bytesMax) break
      this.drop(oldest)
    }
    return this.aheadBytes + blockBytes <= this.bytesMax * aheadShare
  }

  /** Resolves in any case, after those who wait have been told. */
  private async load(
    file: CachedFile,
    index: number,
    reader: ReaderId,
    waiting: Waiting[],
    ahead = false,
  ): Promise<void> {
    const key = file.id * blocksPerFileMax + index
    this.loading.set(key, waiting)
    if (ahead) this.aheadBytes += blockBytes
    try {
      const { slab, bytes } = await this.gate.run(() => this.fill(file, index * blockBytes))
      const loaded = this.loads++
      const block: Block = { key, slab, bytes, firstReader: reader, checkedFrom: 0, checkedTo: 0, loaded }
      this.loading.delete(key)
      if (ahead) this.aheadBytes += slab.length
      if (ahead) this.ahead.set(key, block)
      else if (reader === indexReader) this.keep(block)
      else this.probation.set(key, block)
      this.arrived(waiting, block)
    } catch (error) {
      this.loading.delete(key)
      for (const { arriving } of waiting) arriving.failed(error)
    } finally {
      if (ahead) this.aheadBytes -= blockBytes
    }
  }

  /** Reads a block's bytes into memory of the cache. */
  private async fill(file: CachedFile, at: number): Promise<{ slab: Buffer; bytes: Buffer }> {
    const slab = this.takeSlab(Math.max(0, Math.min(blockBytes, file.bytes - at)))
    try {
      const there = await this.files.read(file.path, slab, at)
      return { slab, bytes: slab.subarray(0, there) }
    } catch (error) {
      this.giveBack(slab)
      throw error
    }
  }

  /** Whom the block is enough for is served first: to load more of it drops it, and its memory is another's. */
  private arrived(waiting: readonly Waiting[], block: Block): void {
    const late: Waiting[] = []
    for (const each of waiting) {
      const { wanted, arriving, own } = each
      if (block.bytes.length < wanted.end) {
        late.push(each)
        continue
      }
      if (!own) this.touch(block, wanted.reader)
      block.bytes.copy(wanted.into, wanted.to, wanted.from, wanted.end)
      arriving.arrived(block)
    }
    for (const { wanted, arriving, own } of late) {
      const { file, index, from, end } = wanted
      if (own) {
        arriving.failed(short(file, index * blockBytes + from, end - from))
      } else {
        // It has grown since that load was begun.
        arriving.expected--
        this.want(wanted, arriving)
      }
    }
  }

  /** Of whole blocks the memory goes from one to the next. The last one of a file has as much as it needs. */
  private takeSlab(bytes: number): Buffer {
    const free = bytes === blockBytes ? this.free.pop() : undefined
    if (free !== undefined) return free
    while (this.bytes + bytes > this.bytesMax) {
      if (this.free.length === 0) this.dropOldest()
      const slab = this.free.pop()
      if (slab === undefined) continue
      if (bytes === blockBytes) return slab
      this.bytes -= blockBytes
    }
    this.bytes += bytes
    return Buffer.allocUnsafeSlow(bytes)
  }

  private giveBack(slab: Buffer): void {
    if (slab.length === blockBytes) this.free.push(slab)
    else this.bytes -= slab.length
  }

  private dropOldest(): void {
    for (const queue of [this.probation, this.kept, this.ahead]) {
      for (const oldest of queue.values()) return this.drop(oldest)
    }
    throw new AssertionError('the block cache has no block to drop')
  }

  private touch(block: Block, reader: ReaderId): void {
    if (this.ahead.delete(block.key)) {
      this.aheadBytes -= block.slab.length
      this.probation.set(block.key, block)
    }
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
    this.keptBytes += block.slab.length
    for (const oldest of this.kept.values()) {
      if (this.keptBytes <= this.bytesMax * keptShare) return
      this.drop(oldest)
    }
  }

  private drop(block: Block): void {
    if (this.kept.delete(block.key)) this.keptBytes -= block.slab.length
    else if (this.ahead.delete(block.key)) this.aheadBytes -= block.slab.length
    else if (!this.probation.delete(block.key)) return
    this.giveBack(block.slab)
  }

  /** Gives back all memory but that of loads under way. */
  clear(): void {
    for (const queue of [this.probation, this.kept, this.ahead]) for (const block of queue.values()) this.drop(block)
    this.bytes -= this.free.length * blockBytes
    this.free = []
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
      const block = this.get(key)
      if (block !== undefined) this.drop(block)
    }
  }

  /** A large read that would only push others out: straight from the disk. Returns how many bytes there were. */
  around(file: CachedFile, into: Buffer, at: number): Promise<number> {
    return this.gate.run(() => this.files.read(file.path, into, at))
  }
}

function whole(file: CachedFile, at: number, into: Buffer, there: number): null {
  if (there < into.length) throw short(file, at, into.length)
  return null
}

const short = (file: CachedFile, at: number, length: number): Damaged =>
  new Damaged(file.path, at, `the file ends before ${length} bytes that belong here`)
