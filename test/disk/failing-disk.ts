import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../support/index.ts'

export const errno = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const

/** What fails, and with which error: `{ write: errno.EIO }`. Empty = the disk is well. */
export type Faults = Partial<Record<'write' | 'sync' | 'read' | 'open', number>>

export const hasCompiler = (): boolean => spawnSync('cc', ['--version']).status === 0

/** A data folder whose disk can be made to fail for the process that is started with `env`; see failing-disk.c. */
export function failingDisk(folder: string, data: string): { env: Record<string, string>; set(faults: Faults): void } {
  const built = path.join(root, 'node_modules/.cache/toolchain')
  const library = path.join(built, `failing-disk-${process.pid}.so`)
  mkdirSync(built, { recursive: true })
  const source = path.join(root, 'test/disk/failing-disk.c')
  const result = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`cc: ${result.error?.message ?? result.stderr}`)
  const control = path.join(folder, 'faults')
  const set = (faults: Faults): void => {
    const lines = Object.entries(faults).map(([operation, code]) => `${operation} ${code}\n`)
    writeFileSync(control, lines.join(''))
  }
  set({})
  return { env: { LD_PRELOAD: library, FAILING_DISK: control, FAILING_DISK_FOLDER: data }, set }
}
