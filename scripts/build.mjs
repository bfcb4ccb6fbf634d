// Builds dist/: one bundle for the command, the import and the worker threads (they share chunks), then the type
// declarations. `--bundle-only` leaves the declarations out.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { root } from './prepare.mjs'

const dist = path.join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)

const entries = {
  bin: 'src/cli/main.ts',
  index: 'src/index.ts',
  'commit-worker': 'src/world/node/commit-worker.ts',
}

await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file)))),
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
})
if (existsSync(path.join(dist, 'bin.js'))) chmodSync(path.join(dist, 'bin.js'), 0o755)

if (!process.argv.includes('--bundle-only')) {
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const result = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}
writeFileSync(path.join(dist, '.built'), '')
