import { DiskError } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import type { PayloadRuns } from '../journal/commit.ts'
import { eachExtent, tableOf } from '../journal/commit.ts'
import type { Tail } from '../journal/tail.ts'
import type { Spans } from '../span/host.ts'
import type { LocatedExtent } from '../span/located-extent.ts'
import type { ExtentFacts, StoredExtent } from '../store.ts'
import type { Committer } from './committer.ts'
import type { Partitions } from './partitions.ts'
import type { HeldSegment, HeldSegments } from './segments.ts'

interface Held {
  segment: HeldSegment
  extent: LocatedExtent
  batch: Buffer | null
}

const factsOf = (extent: ExtentFacts): ExtentFacts => ({
  baseOffset: extent.baseOffset,
  count: extent.count,
  maxTimestamp: extent.maxTimestamp,
  appendTime: extent.appendTime,
  flags: extent.flags,
  meta: extent.meta,
})

const withBatch = (extent: ExtentFacts, batch: Buffer): StoredExtent => ({ ...factsOf(extent), batch })

/**
 * Finds extents, newest place last: spans and adopted segments, segments whose index is in memory, the commit on its
 * way, the commit being filled. Synchronous when all the bytes are in the tail.
 */
export class Reading {
  private readonly partitions: Partitions
  private readonly held: HeldSegments
  private readonly tail: Tail
  private readonly committer: Committer
  private readonly spans: Spans

  constructor(partitions: Partitions, held: HeldSegments, tail: Tail, committer: Committer, spans: Spans) {
    this.partitions = partitions
    this.held = held
    this.tail = tail
    this.committer = committer
    this.spans = spans
  }

  read(partition: number, from: number, upTo: number, bytesMax: number): StoredExtent[] | Promise<StoredExtent[]> {
    const read = this.readOnce(partition, from, upTo, bytesMax)
    if (!(read instanceof Promise)) return read
    // What was found may have been settled or trimmed, and its file used again, before it was read. Then it is
    // elsewhere now; only if it looks wrong there, too, is it damaged.
    return read.catch((error: unknown) => {
      const gone = error instanceof DiskError && error.kind === 'notFound'
      if (!gone && !(error instanceof Damaged)) throw error
      return this.readOnce(partition, from, upTo, bytesMax)
    })
  }

  private readOnce(
    partition: number,
    from: number,
    upTo: number,
    bytesMax: number,
  ): StoredExtent[] | Promise<StoredExtent[]> {
    const found = this.partitions.find(partition)
    if (found === undefined) return []
    const start = Math.max(from, found.start)
    const below = Math.min(upTo, found.next)
    if (start >= below) return []
    const firstHeld = this.held.firstOffset(partition)
    if (start < firstHeld && this.spans.nextOffset(partition) > start) {
      return this.readOld(partition, start, below, bytesMax, firstHeld)
    }
    const held = this.findHeld(partition, start, below, bytesMax)
    return held.every((each) => each.batch !== null)
      ? this.finish(held as (Held & { batch: Buffer })[], partition, start, below, bytesMax)
      : this.load(held, partition, start, below, bytesMax)
  }

  private async readOld(
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
    firstHeld: number,
  ): Promise<StoredExtent[]> {
    const old = await this.spans.read(partition, from, Math.min(below, firstHeld), bytesMax)
    const last = old[old.length - 1]
    const next = last === undefined ? Math.min(below, firstHeld) : last.baseOffset + last.count
    const rest = bytesMax - old.reduce((bytes, extent) => bytes + extent.batch.length, 0)
    // When the spans had less than they might, the next call goes on there.
    if (rest <= 0 || next >= below || (last !== undefined && next < firstHeld)) return old
    if (last === undefined && next < from) return old
    try {
      const newer = await this.read(partition, Math.max(from, next), below, rest)
      return [...old, ...newer]
    } catch (error) {
      if (old.length === 0) throw error
      return old
    }
  }

  private findHeld(partition: number, from: number, below: number, bytesMax: number): Held[] {
    const found: Held[] = []
    let bytes = 0
    this.held.each(partition, from, (segment, extent) => {
      if (extent.baseOffset >= below) return false
      const piece = extent.pieces[0]!
      const batch = this.tail.find(segment.segmentSeq + piece.segmentsOn, piece.position, extent.bytes)
      found.push({ segment, extent, batch })
      bytes += extent.bytes
      return bytes < bytesMax
    })
    return found
  }

  /** Adds what has no place in the journal yet. */
  private finish(
    held: (Held & { batch: Buffer })[],
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
  ): StoredExtent[] {
    let bytes = 0
    const extents = held.map(({ extent, batch }) => {
      bytes += batch.length
      return withBatch(extent, batch)
    })
    if (below <= this.partitions.get(partition).placedNext) return extents
    this.eachUnplaced(partition, from, (facts, batch) => {
      if (facts.baseOffset >= below || (bytes >= bytesMax && extents.length > 0)) return
      bytes += batch.length
      extents.push(withBatch(facts, batch))
    })
    return extents
  }

  private eachUnplaced(partition: number, from: number, visit: (facts: ExtentFacts, batch: Buffer) => void): void {
    const { sealed, staging } = this.committer
    const walk = (table: Buffer, payload: PayloadRuns, appendTime: number): void =>
      eachExtent(table, (entry) => {
        if (entry.partition !== partition || entry.baseOffset + entry.count <= from) return
        const meta = Buffer.from(entry.meta)
        visit({ ...factsOf({ ...entry, appendTime, meta }) }, payload.slice(entry.payloadPos, entry.payloadBytes))
      })
    if (sealed !== null) walk(tableOf(sealed), sealed.payload, sealed.timeMs)
    if (staging.extents > 0) {
      const { table, payload } = staging.view()
      walk(table, payload, 0)
    }
  }

  /** Some bytes left the tail: they are read again, by those who have the segment's file. */
  private async load(
    held: Held[],
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
  ): Promise<StoredExtent[]> {
    const missing = held.filter(({ batch, segment }) => batch === null && !segment.adopted)
    const adopted = held.filter(({ batch, segment }) => batch === null && segment.adopted)
    const batches = new Map<number, Buffer>()
    let failure: unknown = null
    try {
      if (adopted.length > 0) {
        const first = adopted[0]!.extent.baseOffset
        const last = adopted[adopted.length - 1]!.extent
        const loaded = await this.spans.read(partition, first, last.baseOffset + last.count, bytesMax)
        for (const extent of loaded) batches.set(extent.baseOffset, extent.batch)
      }
      await this.readOpen(missing, (extent) => void batches.set(extent.baseOffset, extent.batch))
    } catch (error) {
      failure = error
    }
    const whole: (Held & { batch: Buffer })[] = []
    for (const each of held) {
      const batch = each.batch ?? batches.get(each.extent.baseOffset)
      // The partition was trimmed meanwhile, or the spans gave fewer: what is there in one piece counts.
      if (batch === undefined && whole.length === 0 && failure !== null) throw failure as Error
      if (batch === undefined) return this.cutShort(whole)
      whole.push({ ...each, batch })
    }
    if (this.partitions.find(partition) === undefined) return this.cutShort(whole)
    return this.finish(whole, partition, from, below, bytesMax)
  }

  private cutShort(whole: (Held & { batch: Buffer })[]): StoredExtent[] {
    return whole.map(({ extent, batch }) => withBatch(extent, batch))
  }

  private async readOpen(missing: Held[], found: (extent: StoredExtent) => void): Promise<void> {
    for (const segment of new Set(missing.map((each) => each.segment))) {
      const extents = missing.filter((each) => each.segment === segment).map((each) => each.extent)
      const following = this.held.list.filter(({ segmentSeq }) => segmentSeq > segment.segmentSeq)
      await this.spans.readOpen([segment, ...following.slice(0, segment.index.segmentsOn)], extents, found)
    }
  }

  extents(partition: number, from: number, limit: number): ExtentFacts[] | Promise<ExtentFacts[]> {
    const found = this.partitions.find(partition)
    if (found === undefined || limit <= 0) return []
    const start = Math.max(from, found.start)
    const firstHeld = this.held.firstOffset(partition)
    if (start < firstHeld && this.spans.nextOffset(partition) > start) {
      return this.spans.extents(partition, start, firstHeld, limit).then((old) => {
        const last = old[old.length - 1]
        const next = last === undefined ? start : last.baseOffset + last.count
        return old.length >= limit ? old : [...old, ...this.heldExtents(partition, next, limit - old.length)]
      })
    }
    return this.heldExtents(partition, start, limit)
  }

  private heldExtents(partition: number, from: number, limit: number): ExtentFacts[] {
    const extents: ExtentFacts[] = []
    this.held.each(partition, from, (_, extent) => {
      extents.push(factsOf(extent))
      return extents.length < limit
    })
    const found = this.partitions.find(partition)
    if (extents.length < limit && found !== undefined && found.next > found.placedNext) {
      this.eachUnplaced(partition, from, (facts) => {
        if (extents.length < limit) extents.push(facts)
      })
    }
    return extents
  }
}
