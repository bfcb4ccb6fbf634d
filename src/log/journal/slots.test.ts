import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommitFile, CommitThread, Disk, DiskFile } from '../../world/index.ts'
import { Slots } from './slots.ts'

const mib = 1024 * 1024
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('who comes to need a slot that is being filled waits for a step of it, not for all', async () => {
  let written = 0
  const syncs: (() => void)[] = []
  const file = {
    write: (bytes: Uint8Array) => {
      written += bytes.length
      return Promise.resolve()
    },
    sync: () => new Promise<void>((resolve) => syncs.push(resolve)),
    close: () => Promise.resolve(),
  } as unknown as DiskFile
  const disk = {
    prefill: true,
    space: () => Promise.resolve({ freeBytes: 1000 * mib, totalBytes: 1000 * mib }),
    open: () => Promise.resolve(file),
    syncFolder: () => Promise.resolve(),
  } as unknown as Disk
  const thread = { open: () => Promise.resolve({} as CommitFile) } as unknown as CommitThread
  const timers = { after: () => ({ cancel: () => undefined }), endOfTurn: () => undefined }
  const options = { slotBytes: 64 * mib, sync: true, ahead: 1, spare: 0, reserveBytes: 0 }
  const failed = (error: Error): never => {
    throw error
  }
  const slots = new Slots(disk, thread, timers, options, { full: () => undefined, trouble: failed, failed })
  slots.prepare()
  while (syncs.length === 0) await turn()
  const filled: number[] = []
  slots.take(() => filled.push(written))
  // A slow disk: each sync takes its time. Two more are enough: that of this step, and that of the file as it is.
  for (let i = 0; i < 2; i++) {
    syncs.shift()!()
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  assert.deepEqual(filled, [4 * mib])
})

test('while a slot comes back or goes, no new one is made in its file', async () => {
  const created: string[] = []
  let look = (): void => undefined
  const file = { write: () => Promise.resolve(), sync: () => Promise.resolve(), close: () => Promise.resolve() }
  const disk = {
    prefill: true,
    space: () => Promise.resolve({ freeBytes: 1000 * mib, totalBytes: 1000 * mib }),
    stat: () => new Promise((resolve) => (look = () => resolve({ bytes: mib, links: 1 }))),
    open: (path: string) => {
      created.push(path)
      return Promise.resolve(file)
    },
    syncFolder: () => Promise.resolve(),
  } as unknown as Disk
  const thread = { open: (path: string) => Promise.resolve({ path }) } as unknown as CommitThread
  const timers = { after: () => ({ cancel: () => undefined }), endOfTurn: () => undefined }
  const options = { slotBytes: mib, sync: true, ahead: 1, spare: 0, reserveBytes: 0 }
  const failed = (error: Error): never => {
    throw error
  }
  const slots = new Slots(disk, thread, timers, options, { full: () => undefined, trouble: failed, failed })
  slots.hold(0)
  const recycled = slots.recycle(0)
  slots.prepare()
  while (created.length === 0) await turn()
  look()
  await recycled
  assert.deepEqual(created, ['journal/slot-001'])
})
