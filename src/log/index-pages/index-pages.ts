import { Reader, Writer } from '../../base/index.ts'
import type { CheckpointPart } from '../store.ts'
import { Chunk } from './chunk.ts'
import { PartitionList, type Page, type Stretch } from './partition-list.ts'

/**
 * Finds the span of an offset, for all partitions (D1). A partition may be absent from a span, so no search over the
 * spans themselves would do. Costs 16 bytes for each span that a partition is in.
 *
 * Checkpointed page by page: object = partition, part = page, state = `endOffset uvarint | entries of the chunk`. A
 * page is never wrong, only old: entries of spans that are gone are skipped, so that edits can be applied again to it.
 */
export class IndexPages {
  private readonly lists = new Map<number, PartitionList>()
  private readonly gone: (span: number) => boolean
  private readonly goneCount: () => number
  /** Parts to be deleted from the checkpoint. */
  private readonly emptied: { object: number; part: number }[] = []
  private walk: Iterator<CheckpointPart> | null = null
  private round = -1

  /** `gone`: is this span no longer in the manifest? `goneCount`: how many have gone so far. */
  constructor(gone: (span: number) => boolean, goneCount: () => number) {
    this.gone = gone
    this.goneCount = goneCount
  }

  get partitions(): number {
    return this.lists.size
  }

  /** Records of the partition in [firstOffset, endOffset) now stand in `span`, in `bytes` bytes of payload. */
  insert(partition: number, firstOffset: number, endOffset: number, span: number, bytes: number): void {
    const emptied = this.listOf(partition).insert(firstOffset, endOffset, span, bytes, this.gone)
    for (const part of emptied) this.emptied.push({ object: partition, part })
  }

  private listOf(partition: number): PartitionList {
    let list = this.lists.get(partition)
    if (list === undefined) this.lists.set(partition, (list = new PartitionList()))
    return list
  }

  /** The stretch that holds `offset`, or the first after it, in a span that is not gone; null when there is none. */
  find(partition: number, offset: number): Stretch | null {
    const list = this.lists.get(partition)
    if (list === undefined) return null
    let stretch = list.find(offset)
    while (stretch !== null && this.gone(stretch.span)) stretch = list.find(stretch.below)
    return stretch
  }

  /** Does a span stand between the partition's records in [from, below) that is neither gone nor one of `spans`? */
  interleaved(partition: number, from: number, below: number, spans: ReadonlySet<number>): boolean {
    const list = this.lists.get(partition)
    return list !== undefined && list.interleaved(from, below, (span) => spans.has(span) || this.gone(span))
  }

  /** All stretches of one span. Walks the whole index. */
  *stretchesOf(span: number): Generator<Stretch & { partition: number }> {
    for (const [partition, list] of this.lists) {
      for (let stretch = list.find(0); stretch !== null; stretch = list.find(stretch.below)) {
        if (stretch.span === span) yield { partition, ...stretch }
      }
    }
  }

  nextOffset(partition: number): number {
    return this.lists.get(partition)?.endOffset ?? 0
  }

  bytesFrom(partition: number, start: number): number {
    return this.lists.get(partition)?.bytesFrom(start) ?? 0
  }

  drop(partition: number): void {
    const list = this.lists.get(partition)
    if (list === undefined) return
    for (const page of list.pages) this.emptied.push({ object: partition, part: page.part })
    this.lists.delete(partition)
  }

  /** Returns the parts that became empty. */
  private sweep(list: PartitionList): number[] {
    const goneCount = this.goneCount()
    if (list.sweptAt === goneCount) return []
    list.sweptAt = goneCount
    return list.sweep(this.gone)
  }

  /** Like `Machine.checkpoint`. */
  checkpoint(round: number, full: boolean): CheckpointPart | null {
    if (round !== this.round || this.walk === null) {
      this.round = round
      this.walk = this.changed(full)
    }
    const next = this.walk.next()
    if (next.done !== true) return next.value
    this.walk = null
    return null
  }

  private *changed(full: boolean): Generator<CheckpointPart> {
    const none = new Uint8Array(0)
    for (let gone = this.emptied.pop(); gone !== undefined; gone = this.emptied.pop()) yield { ...gone, state: none }
    // Between two steps of a round pages come and go.
    const written = new Set<Page>()
    const isDue = (page: Page): boolean => (full || page.dirty) && !written.has(page)
    for (const [object, list] of this.lists) {
      for (const part of this.sweep(list)) yield { object, part, state: none }
      for (let page = list.pages.find(isDue); page !== undefined; page = list.pages.find(isDue)) {
        written.add(page)
        page.dirty = false
        const out = new Writer(16 + page.chunk.count * 8)
        out.uvarint(list.endOffset)
        page.chunk.encode(out)
        yield { object, part: page.part, state: out.view() }
      }
    }
  }

  /** A part of the checkpoint. */
  restore(partition: number, part: number, state: Buffer): void {
    if (state.length === 0) {
      this.lists.get(partition)?.restore(part, new Chunk(), 0)
      return
    }
    const reader = new Reader(state)
    const endOffset = reader.uvarint()
    this.listOf(partition).restore(part, Chunk.decode(reader), endOffset)
  }
}
