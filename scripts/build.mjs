// Builds dist/: one bundle for the command, the import and the worker threads (they share chunks), then the type
// declarations. `--bundle-only` leaves the declarations out.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { root } from './prepare.mjs'

const dist = path.join(root, 'dist')
// Made beside it and put in its place at once: tests that need it build it at the same time, and start what is there.
const fresh = path.join(root, 'node_modules/.cache', `dist-${process.pid}`)
rmSync(fresh, { recursive: true, force: true })
mkdirSync(fresh, { recursive: true })

/** False when there is something in the way, or nothing to move: another build did it. */
function moved(from, to) {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM'].includes(error.code)) throw error
    return false
  }
}

const entries = {
  bin: 'src/cli/main.ts',
  index: 'src/index.ts',
  'commit-worker': 'src/world/node/commit-worker.ts',
}

await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file)))),
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
})
if (existsSync(path.join(fresh, 'bin.js'))) chmodSync(path.join(fresh, 'bin.js'), 0o755)
while (!moved(fresh, dist)) {
  const before = `${fresh}-before`
  moved(dist, before)
  rmSync(before, { recursive: true, force: true })
}

if (!process.argv.includes('--bundle-only')) {
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const result = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}
writeFileSync(path.join(dist, '.built'), '')
