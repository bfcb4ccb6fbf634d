import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, readdirSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { noCompiler, root, run, spawnTestBroker, temporaryFolder, type RunResult } from '../support/index.ts'
import { errno, failingDisk } from './failing-disk.ts'

const main = path.join(root, 'src/cli/main.ts')
/** Root may do anything, so it becomes somebody else. */
const nobody = process.getuid?.() === 0 ? { uid: 65534 } : {}
const dragoman = (args: readonly string[], options: { env?: Record<string, string>; uid?: number } = {}) =>
  run(process.execPath, [main, ...args], { allowFailure: true, timeoutMs: 60_000, ...options })

/** A folder of a broker that was closed in order, of which others may read all and write nothing. */
async function closedFolder(t: TestContext): Promise<{ folder: string; data: string }> {
  const folder = temporaryFolder(t, () => chmod(path.join(folder, 'data'), 0o755))
  const data = path.join(folder, 'data')
  const broker = await spawnTestBroker(t, { data })
  await broker.process.stop()
  chmodSync(folder, 0o755)
  chmodSync(data, 0o555)
  return { folder, data }
}

const noStack = ({ stderr }: RunResult): void => assert.doesNotMatch(stderr, /^\s+at /m)

test('what the disk does not give is a finding with file and position', { skip: noCompiler() }, async (t) => {
  const { folder, data } = await closedFolder(t)
  const { env, set } = failingDisk(folder, data)
  set({ read: errno.EIO })
  const checked = await dragoman(['check', '--data', data], { env })
  assert.equal(checked.code, 1, checked.stderr)
  noStack(checked)
  assert.match(checked.stdout, /journal\/slot-000 at 0, \d+ bytes: cannot be read \(.*EIO/)
  assert.match(checked.stdout, /^checked .*: 0 segments/m)
  const copied = await dragoman(['backup', path.join(folder, 'copy.tar'), '--data', data], { env })
  assert.equal(copied.code, 1)
  noStack(copied)
  assert.match(copied.stderr, /is damaged: .*EIO/)
})

test('a folder where nothing can be written is checked and copied all the same, and not repaired', async (t) => {
  const { folder, data } = await closedFolder(t)
  if ((await dragoman(['--version'], nobody)).code !== 0) return t.skip('nobody may not run the sources')
  const checked = await dragoman(['check', '--data', data], nobody)
  assert.equal(checked.code, 0, checked.stderr)
  assert.match(checked.stdout, /all is as it was written/)
  assert.match(checked.stderr, /^nothing can be written in /)
  const copied = await dragoman(['backup', '-', '--data', data], nobody)
  assert.equal(copied.code, 0, copied.stderr)
  const repaired = await dragoman(['repair', '--data', data, '--yes'], nobody)
  assert.equal(repaired.code, 2)
  assert.equal(repaired.stderr.trim().split('\n').length, 1, repaired.stderr)
  assert.match(repaired.stderr, /^data folder .*: lock .*EACCES/)
  assert.deepEqual(readdirSync(data).sort(), ['checkpoint', 'index', 'journal', 'spans'], 'nothing is left of it')

  chmodSync(data, 0o755)
  cpSync(data, path.join(folder, 'hidden'), { recursive: true })
  chmodSync(path.join(folder, 'hidden/journal'), 0)
  const hidden = await dragoman(['check', '--data', path.join(folder, 'hidden')], nobody)
  assert.equal(hidden.code, 2, hidden.stdout)
  assert.equal(hidden.stderr.trim().split('\n').length, 2, hidden.stderr)
  assert.match(hidden.stderr, /list journal: EACCES/)
})

test('a folder that may not be looked at, at a path too long for a socket, is a sentence', async (t) => {
  if ((await dragoman(['--version'], nobody)).code !== 0) return t.skip('nobody may not run the sources')
  const folder = temporaryFolder(t)
  chmodSync(folder, 0o755)
  const data = path.join(folder, 'd'.repeat(100))
  mkdirSync(data, { mode: 0 })
  const { code, stderr } = await dragoman(['check', '--data', data], nobody)
  assert.equal(code, 2)
  assert.match(stderr, /^nothing can be written .*\ndata folder .*: stat restore.partial: EACCES[^\n]*\n$/)
})

test("another user's broker has its folder in use", async (t) => {
  if ((await dragoman(['--version'], nobody)).code !== 0) return t.skip('nobody may not run the sources')
  const broker = await spawnTestBroker(t)
  chmodSync(broker.data, 0o555)
  const { code, stderr } = await dragoman(['check', '--data', broker.data], nobody)
  chmodSync(broker.data, 0o755)
  assert.equal(code, 1, stderr)
  assert.match(stderr, /in use by process/)
})
