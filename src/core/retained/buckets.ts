import type { Levels } from '../names.ts'
import type { LastValue } from './last-value.ts'

/** 65,536 buckets; beyond that they grow. */
const depthMax = 16

/** Values of the addresses whose hashes end in the same bits. */
export interface Bucket {
  readonly number: number
  /** The last `depth` bits of those hashes. */
  readonly ending: number
  depth: number
  bytes: number
  readonly values: Set<LastValue>
}

/**
 * All values in parts of a bounded size, so that a change costs the writing of one part: an extendible hash. A part that
 * has become too large is split, and nothing ever has to be listed or moved as a whole. The numbers hold for one life of
 * the process: the first round of the next one must be a full one.
 *
 *   places:  ..00 -> 0   ..01 -> 1   ..10 -> 0   ..11 -> 2        bucket 0 has depth 1, the others 2
 */
export class Buckets {
  private readonly bytesMax: number
  private readonly all: Bucket[] = [{ number: 0, ending: 0, depth: 0, bytes: 0, values: new Set() }]
  private places: Bucket[] = [...this.all]
  private readonly changed = new Set<Bucket>()
  /** What the round has still to write. */
  private readonly due = new Set<Bucket>()

  constructor(bytesMax = 64 * 1024) {
    this.bytesMax = bytesMax
  }

  add(value: LastValue): void {
    const bucket = this.places[hashOf(value.levels) & (this.places.length - 1)]!
    put(bucket, value)
    this.changed.add(bucket)
    this.divide(bucket)
  }

  /** It was added. */
  remove(value: LastValue): void {
    const bucket = this.places[hashOf(value.levels) & (this.places.length - 1)]!
    bucket.values.delete(value)
    bucket.bytes -= bytesOf(value)
    this.changed.add(bucket)
  }

  /** Those that have changed since they were given here last, or all; each is to be written as it is when it is given. */
  *round(full: boolean): Generator<Bucket, undefined> {
    const { due, changed } = this
    due.clear()
    for (const bucket of full ? this.all : changed) due.add(bucket)
    for (const bucket of due) {
      due.delete(bucket)
      changed.delete(bucket)
      yield bucket
    }
  }

  private divide(bucket: Bucket): void {
    if (bucket.bytes <= this.bytesMax || bucket.values.size < 2 || bucket.depth === depthMax) return
    const bit = 1 << bucket.depth
    if (bit === this.places.length) this.places = [...this.places, ...this.places]
    const { all, places, changed, due } = this
    const depth = ++bucket.depth
    const other = { number: all.length, ending: bucket.ending | bit, depth, bytes: 0, values: new Set<LastValue>() }
    all.push(other)
    for (let at = other.ending; at < places.length; at += 2 * bit) places[at] = other
    for (const value of bucket.values) {
      if ((hashOf(value.levels) & bit) === 0) continue
      bucket.values.delete(value)
      bucket.bytes -= bytesOf(value)
      put(other, value)
    }
    changed.add(bucket).add(other)
    // What the round writes of the one has lost what is in the other.
    if (due.has(bucket)) due.add(other)
    this.divide(bucket)
    this.divide(other)
  }
}

function put(bucket: Bucket, value: LastValue): void {
  bucket.values.add(value)
  bucket.bytes += bytesOf(value)
}

/** About what it takes in a checkpoint. */
function bytesOf({ levels }: LastValue): number {
  let bytes = 16
  for (const level of levels) bytes += level.length + 1
  return bytes
}

/** FNV-1a, mixed once more: its last bits say least. */
function hashOf(levels: Levels): number {
  let hash = 0x811c_9dc5
  for (const level of levels) {
    for (let i = 0; i < level.length; i++) hash = Math.imul(hash ^ level.charCodeAt(i), 0x0100_0193)
    hash = Math.imul(hash ^ 0x100, 0x0100_0193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb_352d)
  return (hash ^ (hash >>> 15)) >>> 0
}
