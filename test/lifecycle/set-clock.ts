import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { cLibrary } from '../support/index.ts'

/** A wall clock that one process is started with, and that may be set while it runs; see set-clock.c. */
export class SetClock {
  readonly env: Record<string, string>
  private readonly file: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.file = path.join(folder, 'offset')
    writeFileSync(this.file, Buffer.alloc(8))
    this.env = { LD_PRELOAD: cLibrary('test/lifecycle/set-clock.c'), SET_CLOCK: this.file }
  }

  /** From now on the clock is wrong by so much. */
  set(offsetMs: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(offsetMs))
    writeFileSync(this.file, bytes, { flag: 'r+' })
  }
}
