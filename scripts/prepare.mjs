// What start and test share. Plain JavaScript without dependencies: it runs on the Node that the machine has (20 or
// newer) before anything is installed, and finds or brings the Node 24 that the project runs on.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const wantedMajor = 24

/** Modification time in ms, 0 when there is no such file. */
function modified(file) {
  return statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Installs packages when there are none or when the lock file is newer than what is installed. */
export function install() {
  const stamp = 'node_modules/.package-lock.json'
  // npm would empty the folder that it points to, which is another checkout's.
  if (lstatSync(path.join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return
  if (modified(stamp) >= modified('package-lock.json')) return
  console.error('installing packages (npm ci) ...')
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0) fail(`npm ci failed${result.error ? `: ${result.error.message}` : ''}`)
  const now = new Date()
  if (existsSync(path.join(root, stamp))) utimesSync(path.join(root, stamp), now, now)
}

function majorOf(executable) {
  const result = spawnSync(executable, ['--version'], { encoding: 'utf8' })
  return result.status === 0 ? Number(/^v(\d+)\./.exec(result.stdout)?.[1] ?? 0) : 0
}

function platformPackage() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const platform = process.platform === 'win32' ? 'win' : process.platform
  return `${prefix}-${platform}-${process.arch}`
}

/**
 * The path of a Node that is new enough: this one, else the npm package `node`. That package brings its executable by
 * an install script; where install scripts are blocked we fetch the platform package that the script would have.
 */
export function node24() {
  if (Number(process.versions.node.split('.')[0]) >= wantedMajor) return process.execPath
  const executable = process.platform === 'win32' ? 'node.exe' : 'node'
  const wrapper = path.join(root, 'node_modules/node/bin', executable)
  const direct = path.join(root, 'node_modules', platformPackage(), 'bin', executable)
  for (const candidate of [wrapper, direct]) {
    if (existsSync(candidate) && majorOf(candidate) >= wantedMajor) return candidate
  }
  const { version } = JSON.parse(readFileSync(path.join(root, 'node_modules/node/package.json'), 'utf8'))
  console.error(`fetching Node ${version} ...`)
  spawnSync('npm', ['install', '--no-save', '--no-package-lock', '--no-audit', `${platformPackage()}@${version}`], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (existsSync(direct) && majorOf(direct) >= wantedMajor) return direct
  return fail(
    `Dragoman runs on Node ${wantedMajor} or newer; this is ${process.version} and the npm package "node" could not be ` +
      `installed. Install Node ${wantedMajor} from https://nodejs.org and try again.`,
  )
}

function newest(folder) {
  let latest = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) latest = Math.max(latest, newest(file))
    else if (!entry.name.endsWith('.test.ts')) latest = Math.max(latest, statSync(file).mtimeMs)
  }
  return latest
}

/** Builds dist/ when a source file is newer. The bundle takes a fraction of a second. */
export function build(node) {
  const sources = Math.max(newest(path.join(root, 'src')), modified('scripts/build.mjs'), modified('package.json'))
  if (modified('dist/.built') >= sources) return
  const result = spawnSync(node, [path.join(root, 'scripts/build.mjs'), '--bundle-only'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0) fail('the build failed')
}

/**
 * Runs Node with these arguments in the place of this process: signals go on to it, its exit code is ours. A Ctrl-C
 * reaches the child from the terminal already, so it is not passed on a second time; nor is the copy of a signal that
 * npm sends after the one that the whole process group got.
 */
export function become(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  const sentAt = new Map()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    if (process.platform === 'win32' && signal === 'SIGUSR2') continue
    process.on(signal, () => {
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      const now = performance.now()
      if (now - (sentAt.get(signal) ?? -Infinity) < 100) return
      sentAt.set(signal, now)
      child.kill(signal)
    })
  }
  child.once('error', (error) => fail(error.message))
  child.once('exit', (code, signal) => {
    process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0))
  })
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
