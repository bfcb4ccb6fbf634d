import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommitFile, CommitThread, Disk, DiskFile } from '../../world/index.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { frameLayout } from '../frame/index.ts'
import { slotPath, Slots } from './slots.ts'

const mib = 1024 * 1024
const deaf = { full: () => undefined, stuck: () => undefined }
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
  const options = { slotBytes: 64 * mib, sync: true, ahead: 1, spare: 0, reserveBytes: 0, largeFrameBytes: mib }
  const failed = (error: Error): never => {
    throw error
  }
  const slots = new Slots(disk, thread, timers, options, { ...deaf, trouble: failed, failed })
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
  const options = { slotBytes: mib, sync: true, ahead: 1, spare: 0, reserveBytes: 0, largeFrameBytes: mib }
  const failed = (error: Error): never => {
    throw error
  }
  const slots = new Slots(disk, thread, timers, options, { ...deaf, trouble: failed, failed })
  slots.hold(0)
  const recycled = slots.recycle(0)
  slots.prepare()
  while (created.length === 0) await turn()
  look()
  await recycled
  assert.deepEqual(created, ['journal/slot-001'])
})

test('while frames are large no slot is filled but the spare one, and segments grow; then slots are filled again', async () => {
  let freeBytes = 1000 * mib
  const filled = new Map<string, number>()
  const disk = {
    prefill: true,
    space: () => Promise.resolve({ freeBytes, totalBytes: 1000 * mib }),
    open: (path: string) => {
      filled.set(path, 0)
      const write = (bytes: Uint8Array): Promise<void> => {
        filled.set(path, filled.get(path)! + bytes.length)
        return Promise.resolve()
      }
      return Promise.resolve({ write, sync: () => Promise.resolve(), close: () => Promise.resolve() })
    },
    remove: () => Promise.resolve(),
    syncFolder: () => Promise.resolve(),
  } as unknown as Disk
  const thread = { open: () => Promise.resolve({ close: () => Promise.resolve() }) } as unknown as CommitThread
  const timers = { after: () => ({ cancel: () => undefined }), endOfTurn: () => undefined }
  const options = { slotBytes: mib, sync: true, ahead: 1, spare: 1, reserveBytes: 0, largeFrameBytes: 1000 }
  const failed = (error: Error): never => {
    throw error
  }
  const slots = new Slots(disk, thread, timers, options, { ...deaf, trouble: failed, failed })
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  const sizes: number[] = []
  const take = async (): Promise<void> => {
    slots.take(({ slot }) => sizes.push(filled.get(slotPath(slot))!))
    await settled()
  }
  const write = (bytes: number): void => {
    for (let i = 0; i < 100; i++) slots.wrote(bytes)
  }
  slots.prepare()
  await settled()
  assert.equal(slots.count, 2)
  write(2000)
  for (let i = 0; i < 3; i++) await take()
  assert.deepEqual(sizes, [mib, 0, 0], 'what was filled is used, but for the spare one')
  assert.equal(slots.count, 4)
  write(100)
  await settled()
  assert.equal(slots.count, 5)
  await take()
  assert.deepEqual(sizes, [mib, 0, 0, mib])
  write(2000)
  await take()
  freeBytes = 3 * mib
  await take()
  await take()
  assert.deepEqual(sizes.slice(4), [mib, mib, mib], 'with little space nothing grows: a filled one at once')
})

test('a spare slot that cannot be made fails nobody who is about to get another', async () => {
  const pending: (() => void)[] = []
  const troubles: string[] = []
  const disk = {
    prefill: true,
    space: () => Promise.resolve({ freeBytes: 1000 * mib, totalBytes: 1000 * mib }),
    open: async () => {
      const number = pending.length
      await new Promise<void>((resolve) => pending.push(resolve))
      const write = (): Promise<void> => Promise.reject(new Error(`file ${number}`))
      return { write, sync: () => Promise.resolve(), close: () => Promise.resolve() }
    },
    remove: () => Promise.resolve(),
    syncFolder: () => Promise.resolve(),
  } as unknown as Disk
  const thread = { open: () => Promise.resolve({ close: () => Promise.resolve() }) } as unknown as CommitThread
  const timers = { after: () => ({ cancel: () => undefined }), endOfTurn: () => undefined }
  const options = { slotBytes: mib, sync: true, ahead: 0, spare: 1, reserveBytes: 0, largeFrameBytes: 0 }
  const failed = (error: Error): never => {
    throw error
  }
  const trouble = (error: Error): void => void troubles.push(error.message)
  const slots = new Slots(disk, thread, timers, options, { ...deaf, trouble, failed })
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  slots.prepare()
  await settled()
  const taken: number[] = []
  slots.take(({ slot }) => taken.push(slot))
  await settled()
  assert.equal(pending.length, 2, 'a spare one to be filled, and one that grows')
  pending[0]!()
  await settled()
  assert.deepEqual([troubles, taken], [['file 0'], []])
  pending[1]!()
  await settled()
  assert.equal(taken.length, 1)
})

test('while frames are large, too, a disk with space again is not full any more', async () => {
  let freeBytes = 1000 * mib
  const file = { write: () => Promise.resolve(), sync: () => Promise.resolve(), close: () => Promise.resolve() }
  const disk = {
    prefill: true,
    space: () => Promise.resolve({ freeBytes, totalBytes: 1000 * mib }),
    open: () => Promise.resolve(file),
    syncFolder: () => Promise.resolve(),
  } as unknown as Disk
  const thread = { open: () => Promise.resolve({ close: () => Promise.resolve() }) } as unknown as CommitThread
  const due: (() => void)[] = []
  const after = (_: number, run: () => void) => {
    due.push(run)
    return { cancel: () => undefined }
  }
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  const options = { slotBytes: mib, sync: true, ahead: 1, spare: 1, reserveBytes: 0, largeFrameBytes: 1000 }
  const failed = (error: Error): never => {
    throw error
  }
  const told: boolean[] = []
  const full = (is: boolean): void => void told.push(is)
  const slots = new Slots(disk, thread, { after, endOfTurn: () => undefined }, options, {
    ...deaf,
    full,
    trouble: failed,
    failed,
  })
  slots.prepare()
  await settled()
  for (let i = 0; i < 100; i++) slots.wrote(2000)
  freeBytes = 0
  for (let i = 0; i < 2; i++) {
    slots.take(() => undefined)
    await settled()
  }
  assert.deepEqual(told, [true])
  freeBytes = 1000 * mib
  for (const run of due.splice(0)) run()
  await settled()
  assert.deepEqual(told, [true, false])
})

test('when the pool is closed, nothing that comes back or goes touches its file any more', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(1))
  const thread = disk.commitThread(frameLayout)
  const failed = (error: Error): never => {
    throw error
  }
  const options = { slotBytes: 4096, sync: true, ahead: 1, spare: 0, reserveBytes: 0, largeFrameBytes: mib }
  const slots = new Slots(disk, thread, time, options, { ...deaf, trouble: failed, failed })
  for (let slot = 0; slot < 6; slot++) {
    // Too short to be used again.
    const file = await disk.open(slotPath(slot), 'create')
    await file.write(Buffer.alloc(1000), 0)
    slots.hold(slot)
  }
  disk.faults = { fail: () => null, delayMs: () => 100 }
  const file = await time.until(thread.open(slotPath(1), true))
  void slots.recycle(0)
  slots.giveBack(1, file)
  void slots.cut({ slot: 2, position: 500 })
  await time.until(slots.close())
  const operations: string[] = []
  disk.onOperation = (_, path) => operations.push(path)
  void slots.recycle(3)
  slots.giveBack(4, file)
  const cut = assert.rejects(slots.cut({ slot: 5, position: 500 }))
  // The next store has made them again.
  for (let slot = 0; slot < 6; slot++) disk.link(slotPath(5), slotPath(slot))
  await time.advance(10_000)
  assert.equal(disk.paths().length, 6)
  assert.equal(disk.bytesOf(slotPath(5)).length, 1000)
  assert.deepEqual(operations, [])
  await cut
  slots.take(() => assert.fail('a slot that is closed'))
})
