import path from 'node:path'
import { ensureCommand } from '../../test/support/install.ts'
import { cached, perform } from './cache.ts'

/** The command of a crate, built from crates.io. */
export async function cargoBinary(crate: string, version: string): Promise<string> {
  const missing = await ensureCommand('cargo', 'cargo')
  if (missing !== false) throw new Error(missing)
  const folder = await cached(`${crate}-${version}`, (folder) => {
    const target = path.join(folder, 'target')
    perform('cargo', ['install', '--quiet', '--root', folder, '--target-dir', target, `${crate}@${version}`])
    perform('rm', ['-rf', target])
  })
  return path.join(folder, 'bin', crate)
}
