import { blockBytes } from './block-cache.ts'

const windowBytesMax = 1024 * 1024
const windowMax = windowBytesMax / blockBytes

/**
 * How far to read ahead of one reader: as far as it moved on last time, doubling to 1 MiB while it goes straight on. A
 * partition among many moves on by more than it reads; the cache says how much it takes.
 */
export class Readahead {
  private file = -1
  private block = -1
  private window = 0

  /** The reader has read these blocks of this file, and those between; returns how many blocks after them to load. */
  moved(file: number, first: number, last: number): number {
    const same = file === this.file
    if (same && last === this.block) return 0
    const sequential = same ? first === this.block || first === this.block + 1 : first === 0 && this.file >= 0
    this.file = file
    this.block = last
    this.window = sequential ? Math.max(last - first + 1, Math.min(windowMax, this.window * 2)) : 0
    return this.window
  }
}
