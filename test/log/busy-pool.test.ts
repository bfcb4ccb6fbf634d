import assert from 'node:assert/strict'
import { pbkdf2 } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { openStore, type Machine, type Store } from '../../src/log/index.ts'
import { NodeDisk, systemClock, systemRandom, systemTimers } from '../../src/world/node/index.ts'

const machine: Machine = {
  restore: () => undefined,
  apply: () => undefined,
  applyExtent: () => undefined,
  recovered: () => undefined,
  checkpoint: () => null,
  needed: () => true,
  life: () => 'days',
}
const world = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  disk: (folder: string) => new NodeDisk(folder),
}

/** Median of the time that one small commit takes, ms. */
async function commitMs(store: Store, commits: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < commits; i++) {
    const started = performance.now()
    store.stageEntry(1, 1, Buffer.from('x'))
    const number = store.staging
    store.hard()
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (store.durable >= number) resolve()
        else setImmediate(look)
      }
      look()
    })
    times.push(performance.now() - started)
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!
}

/** The same for work that goes through the runtime's I/O pool. */
async function poolMs(folder: string, times: number): Promise<number> {
  const file = await open(join(folder, 'pool'), 'w')
  const taken: number[] = []
  for (let i = 0; i < times; i++) {
    const started = performance.now()
    await file.write(Buffer.alloc(100), 0, 100, 0)
    taken.push(performance.now() - started)
  }
  await file.close()
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)]!
}

test('commits do not wait for a busy I/O pool', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pool-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const store = await openStore({ world, directory, machine })
  await commitMs(store, 50)
  let busy = true
  const hash = promisify(pbkdf2)
  const hashing = Array.from({ length: 12 }, async () => {
    while (busy) await hash('secret', 'salt', 60_000, 64, 'sha512')
  })
  const commits = await commitMs(store, 60)
  const pool = await poolMs(directory, 10)
  busy = false
  await Promise.all(hashing)
  await store.close()
  // Twelve hashes in a pool of four: whoever stands in that queue waits for two of them. The commit only shares the CPU.
  assert.ok(commits < pool / 4, `commits ${commits.toFixed(2)} ms, the pool ${pool.toFixed(2)} ms`)
})
