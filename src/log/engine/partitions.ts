import { assert, Reader, Writer } from '../../base/index.ts'
import type { Bounds, CheckpointPart } from '../store.ts'

interface Partition extends Bounds {
  /** The last commit that was in its checkpointed state when that was restored (F2). */
  frame: number
  /** The end of what has a place in the journal; above it records are staged. */
  placedNext: number
}

/** The bounds of all partitions: the log's own state objects, one for each partition. */
export class Partitions {
  private readonly partitions = new Map<number, Partition>()
  /** Changed since they were last given to a checkpoint. */
  private dirty = new Set<number>()
  private round: IterableIterator<number> | null = null
  private roundNumber = 0
  private readonly out = new Writer(64)

  get(partition: number): Partition {
    const found = this.partitions.get(partition)
    assert(found !== undefined, `no partition ${partition}`)
    return found
  }

  find(partition: number): Partition | undefined {
    return this.partitions.get(partition)
  }

  keys(): IterableIterator<number> {
    return this.partitions.keys()
  }

  create(partition: number): void {
    this.partitions.set(partition, { start: 0, next: 0, bytes: 0, frame: 0, placedNext: 0 })
    this.dirty.add(partition)
  }

  drop(partition: number): void {
    this.partitions.delete(partition)
    this.dirty.add(partition)
  }

  append(partition: number, baseOffset: number, count: number, bytes: number): void {
    const found = this.get(partition)
    assert(baseOffset >= found.next, 'offsets of a partition rise')
    found.next = baseOffset + count
    found.bytes += bytes
    this.dirty.add(partition)
  }

  /** `bytes`: of the extents that die. */
  trim(partition: number, start: number, bytes: number): void {
    const found = this.get(partition)
    assert(start >= found.start, 'the start of a partition never goes back')
    found.start = start
    found.next = Math.max(found.next, start)
    found.bytes = start === found.next ? 0 : Math.max(0, found.bytes - bytes)
    this.dirty.add(partition)
  }

  /** Replay: is this entry newer than the partition's state? False for one that is gone. */
  wants(partition: number, frame: number): boolean {
    const found = this.partitions.get(partition)
    return found !== undefined && frame > found.frame
  }

  restore(partition: number, frame: number, state: Buffer): void {
    const reader = new Reader(state)
    const start = reader.uvarint()
    const next = reader.uvarint()
    this.partitions.set(partition, { start, next, bytes: reader.uvarint(), frame, placedNext: next })
  }

  /** Like `Machine.checkpoint`. */
  checkpoint(round: number, full: boolean): CheckpointPart | null {
    if (this.round === null || round !== this.roundNumber) {
      this.roundNumber = round
      this.round = (full ? new Set([...this.partitions.keys(), ...this.dirty]) : this.dirty).values()
      this.dirty = new Set()
    }
    const next = this.round.next()
    if (next.done === true) {
      this.round = null
      return null
    }
    return { object: next.value, part: 0, state: this.state(next.value) }
  }

  private state(partition: number): Uint8Array {
    const found = this.partitions.get(partition)
    this.out.reset()
    if (found !== undefined) {
      this.out.uvarint(found.start)
      this.out.uvarint(found.next)
      this.out.uvarint(found.bytes)
    }
    return this.out.view()
  }
}
