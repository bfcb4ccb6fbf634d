import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where installed client toolchains live; thrown away with node_modules. */
export const cacheFolder = path.join(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../node_modules/.cache/toolchain',
)

const failureKeptMs = 10 * 60_000
const lockStaleMs = 5 * 60_000

/**
 * Runs `install` once over all test processes: the others wait for it. Its answer is false when the thing is there, or
 * the reason why it is missing. A failure is remembered for some minutes, so that a machine without a network does
 * not try again in every test file.
 */
export async function installOnce(name: string, install: () => string | false): Promise<string | false> {
  mkdirSync(cacheFolder, { recursive: true })
  const done = path.join(cacheFolder, `${name}.done`)
  const failed = path.join(cacheFolder, `${name}.failed`)
  const lock = path.join(cacheFolder, `${name}.lock`)
  for (;;) {
    if (existsSync(done)) return false
    if (ageMs(failed) < failureKeptMs) return readFileSync(failed, 'utf8')
    try {
      mkdirSync(lock)
      break
    } catch {
      if (ageMs(lock) > lockStaleMs) rmSync(lock, { recursive: true, force: true })
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  try {
    const reason = existsSync(done) ? false : install()
    if (reason === false) writeFileSync(done, '')
    else writeFileSync(failed, reason)
    return reason
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function ageMs(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs
  } catch {
    return Infinity
  }
}

/** Runs an installer quietly: false when it went well, or what went wrong in one line. */
export function attempt(command: string, args: readonly string[], cwd?: string): string | false {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 240_000,
    cwd,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (result.status === 0) return false
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-3).join(' ')
  return `${command} ${args[0] ?? ''} failed: ${result.error?.message ?? said}`
}

/** The path of a command on this machine, or undefined. */
export function which(command: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, command)
    if (folder !== '' && existsSync(file)) return file
  }
  return undefined
}

/** Finds a command, or installs its Debian package when this process may. */
export async function ensureCommand(command: string, debianPackage: string): Promise<string | false> {
  if (which(command) !== undefined) return false
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) {
    return `${command}: not installed (Debian package ${debianPackage})`
  }
  const reason = await installOnce(`apt-${debianPackage}`, () => {
    const refused = attempt('apt-get', ['install', '-y', '--no-install-recommends', debianPackage])
    if (refused === false) return false
    return (
      attempt('apt-get', ['update']) || attempt('apt-get', ['install', '-y', '--no-install-recommends', debianPackage])
    )
  })
  if (reason !== false) return `${command}: ${reason}`
  return which(command) === undefined ? `${command}: not in ${debianPackage}` : false
}
