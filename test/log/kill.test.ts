import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { recordAt, writerOptions } from '../../src/log/engine/testing/writer-process.ts'
import { openStore, StoreRefused, type Machine, type Store } from '../../src/log/index.ts'
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

const script = `
  import { write } from ${JSON.stringify(import.meta.resolve('../../src/log/engine/testing/writer-process.ts'))}
  import { NodeDisk, systemClock, systemRandom, systemTimers } from ${JSON.stringify(import.meta.resolve('../../src/world/node/index.ts'))}
  import { writeSync } from 'node:fs'
  const world = { clock: systemClock, timers: systemTimers, random: systemRandom, disk: (folder) => new NodeDisk(folder) }
  await write(world, process.argv[1], (line) => writeSync(1, line + '\\n'))
`

/** Lets a writer run for `ms`, kills it, and returns the last offset it was told to be durable. */
async function writeAndKill(directory: string, ms: number): Promise<{ found: number; acked: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  const opened = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text
      if (told.includes('\n')) resolve()
    })
  })
  await opened
  await new Promise((resolve) => setTimeout(resolve, ms))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  const lines = told.slice(0, told.lastIndexOf('\n')).split('\n')
  const found = Number(lines[0]!.replace('opened ', ''))
  return { found, acked: lines.length > 1 ? Number(lines.at(-1)) : found }
}

async function verify(store: Store): Promise<void> {
  const { next } = store.bounds(1)
  for (let at = 0; at < next;) {
    const extents = await store.read(1, at, next, 1_000_000)
    assert.ok(extents.length > 0, `nothing at ${at} of ${next}`)
    for (const { baseOffset, count, batch } of extents) {
      assert.equal(baseOffset, at)
      assert.ok(batch.equals(recordAt(at)), `record ${at}`)
      at += count
    }
  }
}

test('a writer that is killed again and again loses nothing that was told to be durable', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kill-'))
  t.after(() => rmSync(directory, { recursive: true }))
  let acked = 0
  for (let round = 0; round < 6; round++) {
    const told = await writeAndKill(directory, 50 + 130 * round)
    assert.ok(told.found >= acked, `round ${round}: acked ${acked}, found ${told.found}`)
    acked = told.acked
  }
  assert.ok(acked > 100)
  const store = await openStore({ world, directory, machine, options: writerOptions })
  await assert.rejects(openStore({ world, directory, machine }), (error: unknown) => {
    assert.ok(error instanceof StoreRefused)
    assert.equal(error.failure.error, 'inUse')
    return true
  })
  assert.ok(store.bounds(1).next >= acked)
  await verify(store)
  await store.close()
})
