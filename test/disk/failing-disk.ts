import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { cLibrary } from '../support/index.ts'

export const errno = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const

/** What fails, and with which error: `{ write: errno.EIO }`. Empty = the disk is well. */
export type Faults = Partial<Record<'write' | 'sync' | 'read' | 'open', number>>

/** A data folder whose disk can be made to fail for the process that is started with `env`; see failing-disk.c. */
export function failingDisk(folder: string, data: string): { env: Record<string, string>; set(faults: Faults): void } {
  const control = path.join(folder, 'faults')
  const set = (faults: Faults): void => {
    const lines = Object.entries(faults).map(([operation, code]) => `${operation} ${code}\n`)
    writeFileSync(control, lines.join(''))
  }
  set({})
  return {
    env: { LD_PRELOAD: cLibrary('test/disk/failing-disk.c'), FAILING_DISK: control, FAILING_DISK_FOLDER: data },
    set,
  }
}
