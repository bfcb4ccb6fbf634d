import { assert } from '../../base/index.ts'
import type { Fragment } from '../frame/index.ts'
import type { ExtentFacts } from '../store.ts'
import type { LocatedExtent } from './located-extent.ts'

const sharedBit = 0x1_0000
const growMax = 65_536

/**
 * The extents of one journal segment, in memory: filled while the segment is written (or scanned again after a crash),
 * read at the tail, and written out as the sidecar index when the segment is sealed.
 *
 * Columns instead of objects: an extent costs about 50 bytes, so that a segment full of 100-byte messages costs 15 MB,
 * not 150. Each partition has the list of its extents in the order of their offsets, which is the order they came in.
 */
export class SegmentIndex {
  readonly segmentSeq: number
  count = 0
  /** Bytes of all payloads, shared ones counted for each extent. */
  payloadBytes = 0
  private capacity = 1024
  private baseOffset = new Float64Array(this.capacity)
  private maxTimestamp = new Float64Array(this.capacity)
  private appendTime = new Float64Array(this.capacity)
  private position = new Float64Array(this.capacity)
  private offsets = new Uint32Array(this.capacity)
  private payload = new Uint32Array(this.capacity)
  private crc = new Uint32Array(this.capacity)
  private flags = new Uint32Array(this.capacity)
  private metaStart = new Uint32Array(this.capacity)
  private metaArena = Buffer.allocUnsafe(4096)
  private metaEnd = 0
  private readonly cut = new Map<number, readonly Fragment[]>()
  /** How many of the segments that follow hold a piece of a payload that begins here. */
  segmentsOn = 0
  /** A repair has put empty frames in the place of lost ones, and told what was lost. */
  repaired = false
  private readonly partitionLists = new Map<number, IdList>()

  constructor(segmentSeq: number) {
    this.segmentSeq = segmentSeq
  }

  /**
   * Adds an extent whose payload stands in the segment's file at `position`, `bytes` long, with CRC-32C `crc`. A
   * payload that was cut across frames gives all its `pieces`; those of a segment that follows belong here, too.
   */
  add(
    partition: number,
    extent: ExtentFacts,
    position: number,
    bytes: number,
    crc: number,
    shared: boolean,
    pieces: readonly Fragment[] | null = null,
  ): void {
    const id = this.count++
    if (id === this.capacity) this.grow()
    this.baseOffset[id] = extent.baseOffset
    this.maxTimestamp[id] = extent.maxTimestamp
    this.appendTime[id] = extent.appendTime
    this.position[id] = position
    this.offsets[id] = extent.count
    this.payload[id] = bytes
    this.crc[id] = crc
    this.flags[id] = (extent.flags & 0xffff) | (shared ? sharedBit : 0)
    this.metaStart[id] = this.metaEnd
    this.addMeta(extent.meta)
    if (pieces !== null && (pieces.length > 1 || pieces[0]!.segmentsOn > 0)) {
      this.cut.set(id, pieces)
      this.segmentsOn = Math.max(this.segmentsOn, pieces[pieces.length - 1]!.segmentsOn)
    }
    this.payloadBytes += bytes
    let list = this.partitionLists.get(partition)
    if (list === undefined) this.partitionLists.set(partition, (list = new IdList()))
    const last = list.length - 1
    assert(last < 0 || this.endOffset(list.at(last)) <= extent.baseOffset, 'extents of a partition out of order')
    list.push(id)
  }

  private addMeta(meta: Uint8Array): void {
    const end = this.metaEnd + meta.length
    if (end > this.metaArena.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.metaArena.length * 2))
      this.metaArena.copy(grown, 0, 0, this.metaEnd)
      this.metaArena = grown
    }
    this.metaArena.set(meta, this.metaEnd)
    this.metaEnd = end
  }

  private grow(): void {
    // Doubling a full segment's columns would leave as much unused as used.
    this.capacity += Math.min(this.capacity, growMax)
    this.baseOffset = doubled(this.baseOffset, new Float64Array(this.capacity))
    this.maxTimestamp = doubled(this.maxTimestamp, new Float64Array(this.capacity))
    this.appendTime = doubled(this.appendTime, new Float64Array(this.capacity))
    this.position = doubled(this.position, new Float64Array(this.capacity))
    this.offsets = doubled(this.offsets, new Uint32Array(this.capacity))
    this.payload = doubled(this.payload, new Uint32Array(this.capacity))
    this.crc = doubled(this.crc, new Uint32Array(this.capacity))
    this.flags = doubled(this.flags, new Uint32Array(this.capacity))
    this.metaStart = doubled(this.metaStart, new Uint32Array(this.capacity))
  }

  /** Partitions with an extent here, rising. */
  partitions(): number[] {
    return [...this.partitionLists.keys()].sort((a, b) => a - b)
  }

  /** Extents of the partition here. */
  extentCount(partition: number): number {
    return this.partitionLists.get(partition)?.length ?? 0
  }

  /** The first offset of the partition here, or -1. */
  firstOffset(partition: number): number {
    const list = this.partitionLists.get(partition)
    return list === undefined ? -1 : this.baseOffset[list.at(0)]!
  }

  /** One after the last offset of the partition here, or -1. */
  nextOffset(partition: number): number {
    const list = this.partitionLists.get(partition)
    return list === undefined ? -1 : this.endOffset(list.at(list.length - 1))
  }

  /** Bytes of the partition's payloads here from the extent on that holds `start` or follows it. */
  bytesFrom(partition: number, start: number): number {
    const list = this.partitionLists.get(partition)
    if (list === undefined) return 0
    let bytes = 0
    for (let nth = this.find(partition, start); nth < list.length; nth++) bytes += this.payload[list.at(nth)]!
    return bytes
  }

  /** Which extent of the partition (0, 1, ...) is the first that ends after `offset`; their number when none does. */
  find(partition: number, offset: number): number {
    const list = this.partitionLists.get(partition)
    if (list === undefined) return 0
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.endOffset(list.at(middle)) > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  /** The partition's `nth` extent. Its meta shares memory with the index. */
  extent(partition: number, nth: number): LocatedExtent {
    const list = this.partitionLists.get(partition)
    assert(list !== undefined && nth < list.length, 'no such extent')
    const id = list.at(nth)
    const metaEnd = id + 1 < this.count ? this.metaStart[id + 1]! : this.metaEnd
    return {
      baseOffset: this.baseOffset[id]!,
      count: this.offsets[id]!,
      maxTimestamp: this.maxTimestamp[id]!,
      appendTime: this.appendTime[id]!,
      flags: this.flags[id]! & 0xffff,
      meta: this.metaArena.subarray(this.metaStart[id], metaEnd),
      pieces: this.cut.get(id) ?? [{ segmentsOn: 0, position: this.position[id]!, bytes: this.payload[id]! }],
      bytes: this.payload[id]!,
      crc: this.crc[id]!,
      shared: (this.flags[id]! & sharedBit) !== 0,
    }
  }

  private endOffset(id: number): number {
    return this.baseOffset[id]! + this.offsets[id]!
  }
}

/** A growing list of extent ids; most partitions of a segment have a few. */
class IdList {
  length = 0
  private ids = new Uint32Array(2)

  at(index: number): number {
    return this.ids[index]!
  }

  push(id: number): void {
    if (this.length === this.ids.length) this.ids = doubled(this.ids, new Uint32Array(this.length * 2))
    this.ids[this.length++] = id
  }
}

function doubled<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
