import { Reader, Writer } from '../../base/index.ts'
import type { CheckpointPart } from '../store.ts'
import { readSpanInfo, writeSpanInfo, type SpanEdit, type SpanInfo } from './span-info.ts'

const spansPerPart = 256

/**
 * The list of spans. Whatever file it does not name does not exist. Changed by edits that are entries of the journal,
 * and checkpointed in parts of 256 ids: `nextId uvarint | adoptedThrough uvarint | spans`.
 */
export class Manifest {
  private readonly spans = new Map<number, SpanInfo>()
  private readonly segments = new Map<number, SpanInfo>()
  private readonly partFrames = new Map<number, number>()
  private readonly dirty = new Set<number>()
  private nextId = 1
  /** The highest segment ever adopted; they come in order. */
  adoptedThrough = 0
  private walk: Iterator<CheckpointPart> | null = null
  private round = -1

  /** How many spans have gone since the start. */
  goneCount = 0

  get size(): number {
    return this.spans.size
  }

  get(id: number): SpanInfo | undefined {
    return this.spans.get(id)
  }

  has(id: number): boolean {
    return this.spans.has(id)
  }

  /** The adopted segment with this number. */
  segment(seq: number): SpanInfo | undefined {
    return this.segments.get(seq)
  }

  takeId(): number {
    return this.nextId++
  }

  /** In the order of their first segment. */
  list(): SpanInfo[] {
    return [...this.spans.values()].sort((a, b) => a.firstSeq - b.firstSeq || a.lastSeq - b.lastSeq || a.id - b.id)
  }

  apply(edit: SpanEdit): void {
    for (const id of edit.removed) this.remove(id)
    for (const info of edit.added) this.add(info)
  }

  /** The same at the start, where the checkpoint perhaps has the edit already. */
  replay(edit: SpanEdit, frame: number): void {
    const newer = (id: number): boolean => frame > (this.partFrames.get(partOf(id)) ?? -1)
    for (const id of edit.removed) if (newer(id)) this.remove(id)
    for (const info of edit.added) if (newer(info.id)) this.add(info)
  }

  private add(info: SpanInfo): void {
    this.spans.set(info.id, info)
    if (info.slot >= 0) {
      this.segments.set(info.firstSeq, info)
      this.adoptedThrough = Math.max(this.adoptedThrough, info.firstSeq)
    }
    this.nextId = Math.max(this.nextId, info.id + 1)
    this.dirty.add(partOf(info.id))
  }

  private remove(id: number): void {
    const info = this.spans.get(id)
    if (info === undefined) return
    this.spans.delete(id)
    this.goneCount++
    if (this.segments.get(info.firstSeq) === info) this.segments.delete(info.firstSeq)
    this.dirty.add(partOf(id))
  }

  /** Like `Machine.checkpoint`; null again and again when all of a round was given out. */
  checkpoint(round: number, full: boolean): CheckpointPart | null {
    if (round !== this.round) {
      this.round = round
      this.walk = this.changed(full)
    }
    const next = this.walk?.next()
    if (next?.done === false) return next.value
    this.walk = null
    return null
  }

  private *changed(full: boolean): Generator<CheckpointPart> {
    // The last part is never given up: it is what remembers `nextId`.
    const lastPart = partOf(this.nextId - 1)
    const parts = new Set([lastPart, ...this.dirty])
    if (full) for (const id of this.spans.keys()) parts.add(partOf(id))
    for (const part of parts) {
      this.dirty.delete(part)
      const out = new Writer(1024)
      out.uvarint(this.nextId)
      out.uvarint(this.adoptedThrough)
      let count = 0
      for (let id = part * spansPerPart; id < (part + 1) * spansPerPart; id++) {
        const info = this.spans.get(id)
        if (info === undefined) continue
        writeSpanInfo(out, info)
        count++
      }
      yield { object: 0, part, state: count > 0 || part === lastPart ? out.view() : new Uint8Array(0) }
    }
  }

  restore(part: number, frame: number, state: Buffer): void {
    this.partFrames.set(part, frame)
    for (let id = part * spansPerPart; id < (part + 1) * spansPerPart; id++) this.remove(id)
    const reader = new Reader(state)
    if (state.length > 0) {
      this.nextId = Math.max(this.nextId, reader.uvarint())
      this.adoptedThrough = Math.max(this.adoptedThrough, reader.uvarint())
    }
    while (reader.remaining > 0) this.add(readSpanInfo(reader))
    this.dirty.delete(part)
  }
}

const partOf = (id: number): number => Math.floor(id / spansPerPart)
