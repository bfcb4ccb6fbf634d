import { blockBytes } from './block-cache.ts'

const windowBytesMax = 1024 * 1024
const windowMax = windowBytesMax / blockBytes

/** How far to read ahead of one reader: one block when it moves on to the next, doubling to 1 MiB while it does. */
export class Readahead {
  private file = -1
  private block = -1
  private window = 0

  /** The reader is at this block of this file; returns how many blocks after it to load. */
  moved(file: number, block: number): number {
    if (file === this.file && block === this.block) return 0
    const sequential = file === this.file ? block === this.block + 1 : block === 0 && this.file >= 0
    this.file = file
    this.block = block
    this.window = sequential ? Math.min(windowMax, Math.max(1, this.window * 2)) : 0
    return this.window
  }
}
