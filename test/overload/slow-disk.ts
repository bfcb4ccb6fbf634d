import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { root } from '../support/index.ts'

/** Builds the library that makes a disk slow for the process that is started with it; see slow-disk.c. */
export function slowDisk(): string {
  const folder = path.join(root, 'node_modules/.cache/toolchain')
  const library = path.join(folder, `slow-disk-${process.pid}.so`)
  mkdirSync(folder, { recursive: true })
  const source = path.join(root, 'test/overload/slow-disk.c')
  const result = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`cc: ${result.error?.message ?? result.stderr}`)
  return library
}

export const hasCompiler = (): boolean => spawnSync('cc', ['--version']).status === 0
