import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { crc32c } from '../../base/index.ts'
import { chainOf, type CommitFile, type CommitWrite, type DiskError } from '../index.ts'
import { startCommitWorkerAhead } from './commit-worker-start.ts'
import { NodeDisk } from './disk.ts'

const layout = { headerBytes: 32, chainAt: 12, bodyCrcAt: 8, headerCrcAt: 28 }

function folder(context: { after(run: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'commit-'))
  context.after(() => rmSync(path, { recursive: true }))
  return path
}

test('commits are sealed and written, small and large, synced and not', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'slot'), Buffer.alloc(6_000_000))
  for (const [sync, waitMs] of [
    [true, 0.3],
    [false, 0.3],
    [true, 0],
  ] as const) {
    const thread = new NodeDisk(path, waitMs).commitThread(layout)
    t.after(() => thread.close())
    const file = await thread.open('slot', sync)
    let at = 0
    for (const size of [10, 3000, 1_000_000, 2_500_000, 5]) {
      const header = Buffer.alloc(32)
      header.fill(7)
      const body = Buffer.alloc(size).fill(size & 0xff)
      const write: CommitWrite = {
        file,
        at,
        slices: [header, body, Buffer.alloc(100)],
        header: 0,
        bodyBytes: size,
        follows: false,
      }
      const chain = await new Promise<Buffer>((resolve, reject) =>
        thread.commit(write, (error, value) => (error === null ? resolve(value) : reject(error))),
      )
      const stored = readFileSync(join(path, 'slot')).subarray(at, at + 32 + size)
      assert.equal(stored.readUInt32LE(8), crc32c(body))
      assert.equal(stored.readUInt32LE(28), crc32c(stored.subarray(0, 28)))
      assert.deepEqual(chain, chainOf(stored.subarray(0, 28)))
      assert.ok(stored.subarray(32).equals(body))
      at += 32 + size + 100
    }
    await file.close()
  }
})

test('an error of the disk comes back as one', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'slot'), Buffer.alloc(100))
  const thread = new NodeDisk(path).commitThread(layout)
  t.after(() => thread.close())
  const file = await thread.open('slot', true)
  await file.close()
  const error = await new Promise<DiskError | null>((resolve) =>
    thread.commit({ file, at: 0, slices: [Buffer.alloc(32)], header: 0, bodyBytes: 0, follows: false }, resolve),
  )
  assert.equal(error?.kind, 'io')
})

test('the thread ends when what was handed over is written', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'slot'), Buffer.alloc(4_000_000))
  const thread = new NodeDisk(path, 0).commitThread(layout)
  const file = await thread.open('slot', true)
  t.after(() => file.close())
  const errors: (DiskError | null)[] = []
  for (const at of [0, 2_000_000]) {
    const slices = [Buffer.alloc(32), Buffer.alloc(1_500_000, 5)]
    thread.commit({ file, at, slices, header: 0, bodyBytes: 1_500_000, follows: at > 0 }, (error) => errors.push(error))
  }
  await thread.close()
  assert.deepEqual(errors, [null, null])
  assert.equal(readFileSync(join(path, 'slot'))[3_500_000], 5)
})

test('what is handed over behind another gets its chain, and is not tried when that one fails', async (t) => {
  const path = folder(t)
  for (const name of ['slot', 'gone']) writeFileSync(join(path, name), Buffer.alloc(4_000_000))
  const thread = new NodeDisk(path).commitThread(layout)
  t.after(() => thread.close())
  const [slot, gone] = [await thread.open('slot', true), await thread.open('gone', true)]
  t.after(() => slot.close())
  await gone.close()
  const write = (file: CommitFile, at: number, size: number, follows: boolean): CommitWrite => {
    const slices = [Buffer.alloc(32, 7), Buffer.alloc(size, 5)]
    return { file, at, slices, header: 0, bodyBytes: size, follows }
  }
  for (const size of [100, 1_500_000]) {
    const chains: Buffer[] = []
    await new Promise<void>((resolve) => {
      thread.commit(write(slot, 0, size, false), (error, chain) => {
        assert.equal(error, null)
        chains.push(chain)
      })
      // It may have waited for a small one.
      thread.commit(write(slot, 2_000_000, size, chains.length === 0), (error) => {
        assert.equal(error, null)
        resolve()
      })
    })
    const header = readFileSync(join(path, 'slot')).subarray(2_000_000, 2_000_032)
    assert.deepEqual(header.subarray(12, 28), chains[0])
    assert.equal(header.readUInt32LE(28), crc32c(header.subarray(0, 28)))
  }
  let told: string[] = []
  // The thread may be done with the first one before there is a second to hand over behind it: then once more.
  for (let behind = false; !behind;) {
    told = []
    const failed = new Promise<void>((resolve) => {
      thread.commit(write(gone, 0, 500_000, false), (error) => {
        told.push(error!.kind)
        resolve()
      })
    })
    behind = told.length === 0
    if (behind) thread.commit(write(slot, 3_800_000, 10, true), () => told.push('tried'))
    await failed
  }
  const after = await new Promise<DiskError | null>((resolve) =>
    thread.commit(write(slot, 3_900_000, 10, false), resolve),
  )
  assert.equal(after, null)
  assert.deepEqual(told, ['io'])
  assert.equal(readFileSync(join(path, 'slot'))[3_800_032], 0)
})

test('a worker that was started ahead serves the first commit thread, whatever its layout', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'slot'), Buffer.alloc(4096))
  startCommitWorkerAhead()
  for (const layout of [
    { headerBytes: 32, chainAt: 12, bodyCrcAt: 8, headerCrcAt: 28 },
    { headerBytes: 64, chainAt: 8, bodyCrcAt: 40, headerCrcAt: 60 },
  ]) {
    const thread = new NodeDisk(path).commitThread(layout)
    t.after(() => thread.close())
    const file = await thread.open('slot', true)
    t.after(() => file.close())
    const slices = [Buffer.alloc(layout.headerBytes, 7), Buffer.from('body')]
    const error = await new Promise<DiskError | null>((resolve) =>
      thread.commit({ file, at: 0, slices, header: 0, bodyBytes: 4, follows: false }, resolve),
    )
    assert.equal(error, null)
    assert.equal(readFileSync(join(path, 'slot')).readUInt32LE(layout.bodyCrcAt), crc32c(Buffer.from('body')))
  }
})
