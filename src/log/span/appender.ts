import { Writer } from '../../base/index.ts'
import type { DiskFile } from '../../world/index.ts'

/** Written to the disk in steps of this, so that a commit never waits behind more (C4). */
export const stepBytes = 1024 * 1024

/**
 * Writes a file from its start, in steps of 1 MiB, each synced: without the sync the kernel writes hundreds of megabytes
 * at once, and commits wait behind them. `beforeStep` may wait: it is where the cleaner keeps to its budget.
 */
export class Appender {
  private readonly file: DiskFile
  private readonly beforeStep: (bytes: number) => Promise<void>
  private readonly pending = new Writer(stepBytes)
  private written = 0

  constructor(file: DiskFile, beforeStep: (bytes: number) => Promise<void>) {
    this.file = file
    this.beforeStep = beforeStep
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.written + this.pending.length
  }

  /** Copies `bytes`. When it returns true, await `step()` before more. */
  push(bytes: Uint8Array): boolean {
    this.pending.bytes(bytes)
    return this.pending.length >= stepBytes
  }

  /** Writes what is pending, in steps. */
  async step(): Promise<void> {
    const bytes = this.pending.view()
    for (let at = 0; at < bytes.length; at += stepBytes) {
      const slice = bytes.subarray(at, Math.min(bytes.length, at + stepBytes))
      await this.beforeStep(slice.length)
      await this.file.write(slice, this.written)
      await this.file.sync()
      this.written += slice.length
    }
    this.pending.reset()
  }
}
