import { DiskError } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import type { PayloadRuns } from '../journal/commit.ts'
import { eachExtent, tableOf } from '../journal/commit.ts'
import type { Tail } from '../journal/tail.ts'
import type { Spans } from '../span/host.ts'
import type { LocatedExtent } from '../span/located-extent.ts'
import type { ExtentFacts, ReadMemory, StoredExtent } from '../store.ts'
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
 * Finds extents, newest place last: spans and adopted segments but for their end in the tail, segments that are not
 * adopted yet, the commit on its way, the commit being filled. Synchronous when all the bytes are in the tail.
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

  read(
    partition: number,
    from: number,
    upTo: number,
    bytesMax: number,
    memory?: ReadMemory,
    until?: number,
  ): StoredExtent[] | Promise<StoredExtent[]> {
    const read = this.readOnce(partition, from, upTo, bytesMax, memory, until)
    if (!(read instanceof Promise)) return read
    // What was found may have been settled or trimmed, and its file used again, before it was read. Then it is
    // elsewhere now; only if it looks wrong there, too, is it damaged.
    return read.catch((error: unknown) => {
      const gone = error instanceof DiskError && error.kind === 'notFound'
      if (!gone && !(error instanceof Damaged)) throw error
      return this.readOnce(partition, from, upTo, bytesMax, memory, until)
    })
  }

  private readOnce(
    partition: number,
    from: number,
    upTo: number,
    bytesMax: number,
    memory: ReadMemory | undefined,
    until: number | undefined,
  ): StoredExtent[] | Promise<StoredExtent[]> {
    const found = this.partitions.find(partition)
    if (found === undefined) return []
    const start = Math.max(from, found.start)
    const below = Math.min(upTo, found.next)
    if (start >= below) return []
    const { held, end } = this.findHeld(partition, start, below, bytesMax)
    const first = held[0]
    if (first === undefined || first.extent.baseOffset > start) {
      const served = Math.min(this.held.firstServed(partition, start), found.placedNext)
      if (start < served && this.spans.nextOffset(partition) > start) {
        return this.readOld(partition, start, below, bytesMax, served, memory, until)
      }
    }
    return held.every((each) => each.batch !== null)
      ? this.finish(held as (Held & { batch: Buffer })[], partition, start, end, bytesMax)
      : this.load(held, memory)
  }

  /** `served`: all that is there before it is the spans'. */
  private async readOld(
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
    served: number,
    memory: ReadMemory | undefined,
    until: number | undefined,
  ): Promise<StoredExtent[]> {
    const end = Math.min(below, served)
    const old = await this.spans.read(partition, from, end, bytesMax, memory, until)
    const last = old[old.length - 1]
    // Before its end the spans have nothing, or have more than they gave: then the next call goes on there.
    const next = last === undefined ? end : last.baseOffset + last.count
    const rest = bytesMax - old.reduce((bytes, extent) => bytes + extent.batch.length, 0)
    if (next >= below || (last !== undefined && (rest <= 0 || next < end))) return old
    try {
      const newer = await this.read(partition, next, below, rest, memory)
      return [...old, ...newer]
    } catch (error) {
      if (old.length === 0) throw error
      return old
    }
  }

  /** In [from, end) these are all, as far as `bytesMax` allows. */
  private findHeld(
    partition: number,
    from: number,
    below: number,
    bytesMax: number,
  ): { held: readonly Held[]; end: number } {
    const held: Held[] = []
    let end = below
    let bytes = 0
    this.held.each(partition, from, (segment, extent) => {
      if (extent.baseOffset >= below) return false
      if (held.length === 0 && extent.baseOffset > from && this.spans.nextOffset(partition) > from) {
        // The reader is far behind, and what is here is of no use to it.
        end = extent.baseOffset
        return false
      }
      const piece = extent.pieces[0]!
      const batch = this.tail.find(segment.segmentSeq + piece.segmentsOn, piece.position, extent.bytes)
      if (batch === null && segment.adopted) {
        // The spans' again: in one commit payloads may stand in another order than offsets.
        end = extent.baseOffset
        return false
      }
      held.push({ segment, extent, batch })
      bytes += extent.bytes
      return bytes < bytesMax
    })
    return { held, end }
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
    for (const commit of sealed) walk(tableOf(commit), commit.payload, commit.timeMs)
    if (staging.extents > 0) {
      const { table, payload } = staging.view()
      walk(table, payload, 0)
    }
  }

  /**
   * Some bytes left the tail before their segment was adopted: they are read from its file. What has no place yet is left
   * to the next call: what there was of it may have got one meanwhile.
   */
  private async load(held: readonly Held[], memory?: ReadMemory): Promise<StoredExtent[]> {
    const batches = new Map<number, Buffer>()
    let failure: unknown = null
    try {
      const missing = held.filter(({ batch }) => batch === null)
      await this.readOpen(missing, memory, (extent) => void batches.set(extent.baseOffset, extent.batch))
    } catch (error) {
      failure = error
    }
    const whole: StoredExtent[] = []
    for (const { extent, batch } of held) {
      const bytes = batch ?? batches.get(extent.baseOffset)
      if (bytes === undefined) break
      whole.push(withBatch(extent, bytes))
    }
    if (whole.length === 0) throw failure as Error
    return whole
  }

  private async readOpen(
    missing: Held[],
    memory: ReadMemory | undefined,
    found: (extent: StoredExtent) => void,
  ): Promise<void> {
    for (const segment of new Set(missing.map((each) => each.segment))) {
      const extents = missing.filter((each) => each.segment === segment).map((each) => each.extent)
      const following = this.held.list.filter(({ segmentSeq }) => segmentSeq > segment.segmentSeq)
      await this.spans.readOpen([segment, ...following.slice(0, segment.index.segmentsOn)], extents, memory, found)
    }
  }

  extents(partition: number, from: number, limit: number): ExtentFacts[] | Promise<ExtentFacts[]> {
    const found = this.partitions.find(partition)
    if (found === undefined || limit <= 0) return []
    const start = Math.max(from, found.start)
    const firstHeld = this.held.firstOffset(partition)
    if (start < firstHeld && this.spans.nextOffset(partition) > start) {
      return this.spans.extents(partition, start, firstHeld, limit).then((old) => {
        // Behind the last one the spans may have more, which could not be read: the next call goes on there.
        if (old.length > 0) return old
        const asBefore = this.held.firstOffset(partition) === firstHeld
        return asBefore ? this.heldExtents(partition, start, limit) : this.extents(partition, start, limit)
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
