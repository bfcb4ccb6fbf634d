import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { cacheFolder, installOnce } from '../../test/support/install.ts'

const limitMs = 30 * 60_000

/** A folder of the cache, filled once by `install`; throws with the reason when that does not work. */
export async function cached(name: string, install: (folder: string) => void): Promise<string> {
  const folder = path.join(cacheFolder, name)
  const reason = await installOnce(name, () => {
    console.error(`installing ${name} ...`)
    try {
      install(folder)
      return false
    } catch (error) {
      return (error as Error).message
    }
  })
  if (reason !== false) throw new Error(`${name}: ${reason}`)
  return folder
}

/** Runs an installer to its end; throws with its last words when it fails. */
export function perform(command: string, args: readonly string[], cwd?: string): string {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: limitMs, cwd, env, maxBuffer: 1 << 28 })
  if (result.status === 0) return result.stdout
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-3).join(' ')
  throw new Error(`${command} ${args[0] ?? ''} failed: ${result.error?.message ?? said}`)
}
