import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../support/index.ts'

export const hasCompiler = (): boolean => process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

/** A wall clock that one process is started with, and that may be set while it runs; see set-clock.c. */
export class SetClock {
  readonly env: Record<string, string>
  private readonly file: string

  constructor(folder: string) {
    const library = path.join(folder, 'set-clock.so')
    mkdirSync(folder, { recursive: true })
    const source = path.join(root, 'test/lifecycle/set-clock.c')
    const result = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], { encoding: 'utf8' })
    if (result.status !== 0) throw new Error(`cc: ${result.error?.message ?? result.stderr}`)
    this.file = path.join(folder, 'offset')
    writeFileSync(this.file, Buffer.alloc(8))
    this.env = { LD_PRELOAD: library, SET_CLOCK: this.file }
  }

  /** From now on the clock is wrong by so much. */
  set(offsetMs: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(offsetMs))
    writeFileSync(this.file, bytes, { flag: 'r+' })
  }
}
