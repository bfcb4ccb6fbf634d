import { MemoryDisk, sealHeader } from '../../world/index.ts'
import type { CommitDone, CommitThread, CommitWrite, SealLayout } from '../../world/index.ts'

/** A disk whose commits stop after some bytes, as if the power had gone: the rest is never written, nobody is told. */
export class TornDisk extends MemoryDisk {
  /** How many bytes of commits are still written. */
  budgetBytes = Infinity
  /** Bytes of commits written. */
  commitBytes = 0
  commits = 0

  override commitThread(layout: SealLayout): CommitThread {
    const inner = super.commitThread(layout)
    return {
      open: (path, sync) => inner.open(path, sync),
      close: () => inner.close(),
      commit: (w, d) => this.write(layout, w, d),
    }
  }

  private write(layout: SealLayout, write: CommitWrite, done: CommitDone): void {
    if (write.follows) return // Only what was cut short stays in flight.
    const chain = sealHeader(layout, write.slices, write.header, write.bodyBytes)
    let at = write.at
    for (const slice of write.slices) {
      const taken = slice.subarray(0, Math.min(slice.length, this.budgetBytes))
      this.bytesOf(write.file.path).write(taken, at)
      at += taken.length
      this.budgetBytes -= taken.length
      this.commitBytes += taken.length
      if (taken.length < slice.length) return
    }
    this.commits++
    done(null, chain)
  }
}
