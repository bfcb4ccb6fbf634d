import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { root, run, spawnTestBroker, temporaryFolder, type SpawnedBroker } from '../support/index.ts'
import { throughTrouble } from './through-trouble.ts'

const done = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0
const isRoot = process.getuid?.() === 0

/** A file system of its own in a file; null where this user may not mount one. */
function loopDisk(folder: string, megabytes: number): { image: string; mount: string } | null {
  const image = path.join(folder, 'image')
  const mount = path.join(folder, 'mount')
  mkdirSync(mount)
  const file = openSync(image, 'w')
  ftruncateSync(file, megabytes * 1024 * 1024)
  closeSync(file)
  if (!isRoot || !done('mkfs.ext4', '-q', image) || !done('mount', '-o', 'loop', image, mount)) return null
  return { image, mount }
}

interface Mounted {
  broker: SpawnedBroker
  image: string
  mount: string
}

const sizes = { DRAGOMAN_STORAGE_SEGMENT_BYTES: '2 MiB', DRAGOMAN_STORAGE_TAIL_BYTES: '1 MiB' }

async function onLoopDisk(t: TestContext): Promise<Mounted | null> {
  const started: { broker?: SpawnedBroker; mount?: string } = {}
  const folder = temporaryFolder(t, async () => {
    await started.broker?.kill()
    if (started.mount !== undefined) done('umount', '-l', started.mount)
  })
  const disk = loopDisk(folder, 512)
  if (disk === null) return null
  started.mount = disk.mount
  const data = path.join(disk.mount, 'data')
  mkdirSync(data)
  const broker = (started.broker = await spawnTestBroker(t, { data, env: sizes }))
  return { broker, ...disk }
}

const told = {
  kafka: /Disk error|no leader/,
  amqp: /CONNECTION-FORCED/,
  mqtt: /DISCONNECT 0x89/,
} as const
const noMount = 'mount: only root may make a file system in a file'

/** Until the broker has let go of its files. */
async function unmounted(mount: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (done('umount', mount)) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${mount} is busy`)
}

test('ext4 gives up and is read-only: service comes back when it is mounted again', async (t) => {
  const disk = await onLoopDisk(t)
  if (disk === null) return t.skip(noMount)
  await throughTrouble(t, disk.broker, {
    told,
    line: /the storage has failed/,
    health: 503,
    break: () => assert.ok(done('mount', '-o', 'remount,abort', disk.mount), 'remount,abort'),
    mend: async () => {
      await unmounted(disk.mount)
      spawnSync('e2fsck', ['-fy', disk.image])
      assert.ok(done('mount', '-o', 'loop', disk.image, disk.mount))
    },
  })
})

test('the file system is unmounted under the broker: it is not begun anew in the folder below', async (t) => {
  const disk = await onLoopDisk(t)
  if (disk === null) return t.skip(noMount)
  await throughTrouble(t, disk.broker, {
    told,
    line: /the journal is gone from the data folder/,
    health: 503,
    break: () => assert.ok(done('umount', '-l', disk.mount)),
    mend: () => assert.ok(done('mount', '-o', 'loop', disk.image, disk.mount)),
  })
})

/** Root may do anything, so it becomes somebody else. */
const nobody = isRoot ? { uid: 65534 } : {}
const main = path.join(root, 'src/cli/main.ts')
/** Where the sources lie in a folder of root's own, nobody else can run them. */
const mayRun = async (): Promise<boolean> => {
  const options = { allowFailure: true, timeoutMs: 60_000, cwd: root, ...nobody }
  const tried = await run(process.execPath, [main, '--version'], options).catch(() => ({ code: 1 }))
  return tried.code === 0
}

test('a data folder that may not be used: the start says which, and ends', async (t) => {
  const folder = temporaryFolder(t)
  const data = path.join(folder, 'data')
  mkdirSync(data)
  chmodSync(folder, 0o755)
  chmodSync(data, 0)
  if (!(await mayRun())) return t.skip('nobody may not run the sources')
  const args = [main, 'serve', '--data', data, '--listen', 'http=127.0.0.1:0']
  const { code, stderr } = await run(process.execPath, args, { allowFailure: true, timeoutMs: 60_000, ...nobody })
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^data folder ${data}: .*(EACCES|permission denied)`, 'm'))
  assert.equal(stderr.trim().split('\n').length, 1, stderr)
})

test('the permission for the data folder is taken away under the broker: it goes on when it is given back', async (t) => {
  if (!(await mayRun())) return t.skip('nobody may not run the sources')
  const started: { broker?: SpawnedBroker } = {}
  const folder = temporaryFolder(t, async () => started.broker?.kill())
  const data = path.join(folder, 'data')
  mkdirSync(data)
  chmodSync(folder, 0o755)
  if (isRoot) chownSync(data, 65534, 65534)
  const broker = (started.broker = await spawnTestBroker(t, { data, env: sizes, ...nobody }))
  await throughTrouble(t, broker, {
    told,
    line: /the storage has failed.*(EACCES|permission denied)/,
    health: 503,
    break: () => chmodSync(data, 0),
    mend: () => chmodSync(data, 0o700),
  })
})
