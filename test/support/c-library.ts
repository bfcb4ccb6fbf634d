import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { root } from './broker.ts'

/** Whether libraries for LD_PRELOAD can be made here; else why not. */
export const noCompiler = (): string | false =>
  process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0 ? false : 'cc on Linux: not installed'

/** Builds a library for LD_PRELOAD of one file of C, once for each version of it. `source` is relative to the root. */
export function cLibrary(source: string): string {
  const file = path.join(root, source)
  const version = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 8)
  const folder = path.join(root, 'node_modules/.cache/toolchain')
  const library = path.join(folder, `${path.basename(source, '.c')}-${version}.so`)
  if (existsSync(library)) return library
  mkdirSync(folder, { recursive: true })
  // Another process may be at it, too.
  const made = `${library}.${process.pid}`
  const result = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', made, file, '-ldl'], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`cc: ${result.error?.message ?? result.stderr}`)
  renameSync(made, library)
  return library
}
