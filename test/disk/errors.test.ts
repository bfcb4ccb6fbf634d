import { renameSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { spawnTestBroker, temporaryFolder, type SpawnedBroker } from '../support/index.ts'
import { errno, failingDisk, hasCompiler, type Faults } from './failing-disk.ts'
import { throughTrouble, type Trouble } from './through-trouble.ts'

const skip = hasCompiler() ? false : 'cc: not on this machine'
/** Small segments, so that a run rolls into new ones. */
const sizes = { DRAGOMAN_STORAGE_SEGMENT_BYTES: '2 MiB', DRAGOMAN_STORAGE_TAIL_BYTES: '1 MiB' }

async function onFailingDisk(t: TestContext): Promise<{ broker: SpawnedBroker; set: (faults: Faults) => void }> {
  const started: { broker?: SpawnedBroker } = {}
  const folder = temporaryFolder(t, async () => started.broker?.kill())
  const data = path.join(folder, 'data')
  const { env, set } = failingDisk(folder, data)
  const broker = (started.broker = await spawnTestBroker(t, { data, env: { ...env, ...sizes } }))
  return { broker, set }
}

/** The storage has failed: clients are let go, each by its protocol's own means. */
const failed = {
  told: { kafka: /Disk error|no leader/, amqp: /CONNECTION-FORCED/, mqtt: /DISCONNECT 0x89/ },
  line: /the storage has failed/,
  health: 503,
} as const satisfies Partial<Trouble>

/** The default run takes the first; `TEST_DISK=full` all of them. */
const cases: [string, Faults][] = [
  ['each sync is an I/O error', { sync: errno.EIO, write: errno.EIO }],
  ['each write is an I/O error, and nothing can be read either', { write: errno.EIO, read: errno.EIO }],
  ['the file system has become read-only', { write: errno.EROFS, sync: errno.EROFS, open: errno.EROFS }],
]

for (const [name, faults] of process.env.TEST_DISK === 'full' ? cases : cases.slice(0, 1)) {
  test(`${name}: clients are told, nothing is lost, service comes back by itself`, { skip }, async (t) => {
    const { broker, set } = await onFailingDisk(t)
    await throughTrouble(t, broker, { ...failed, break: () => set(faults), mend: () => set({}) })
  })
}

test('the data folder is taken away and comes back: no other journal is begun in its place', { skip }, async (t) => {
  const { broker } = await onFailingDisk(t)
  const away = `${broker.data}.away`
  await throughTrouble(t, broker, {
    ...failed,
    line: /the journal is gone from the data folder/,
    break: () => renameSync(broker.data, away),
    mend: () => renameSync(away, broker.data),
  })
})
