import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimTime } from '../../world/sim/time.ts'
import { ok, records, Stand, type Client } from '../testing/stage.ts'

const will = (stand: Stand, value: string, delayMs = 0) => ({
  publish: { op: 'publish' as const, to: [{ space: stand.shared, levels: ['will'] }], ...records(value) },
  delayMs,
})

async function close(stand: Stand, { session, epoch }: Client): Promise<void> {
  ok(await stand.wait(stand.broker.close(session, epoch, { wills: 'fire' })))
}

const isFull = (stand: Stand): boolean => stand.current.health.state === 'full'

test('wills that come due on a full disk go out when there is space', async () => {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const stand = new Stand('journal', disk)
  stand.time = time
  Object.assign(stand.storeOptions, { slotsAhead: 2, slotsSpare: 2, reserveBytes: 65_536 })
  await stand.start()
  const publisher = await stand.client()
  const clean = await stand.client({ wills: [will(stand, 'clean')] })
  const kept = await stand.client({
    name: 'kept',
    keepMs: 60_000,
    wills: [will(stand, 'kept'), will(stand, 'kept, later', 500)],
  })
  const wills = await stand.log('wills', { bound: ['will'] })
  const log = await stand.log('filler')
  disk.capacityBytes = disk.usedBytes + 500_000
  const filler = { op: 'append', log, ...records('f'.repeat(9000)) } as const
  for (let i = 0; i < 1000 && !isFull(stand); i++) {
    await stand.wait(stand.broker.commit([filler], publisher))
    await stand.settle(50)
  }
  assert.ok(isFull(stand))
  await close(stand, clean)
  await close(stand, kept)
  await stand.settle(1000)
  assert.deepEqual(await stand.readAll(wills), [])
  assert.ok(isFull(stand))
  disk.capacityBytes = Infinity
  for (let i = 0; i < 100 && isFull(stand); i++) await stand.settle(500)
  await stand.settle()
  assert.deepEqual((await stand.readAll(wills)).sort(), ['clean', 'kept', 'kept, later'])
})

const full = { state: 'full', failure: { error: 'full', detail: 'no space' } } as const

test('the will of a kept session survives a crash meanwhile, and that its client comes back with another', async () => {
  const stand = await Stand.open()
  const wills = await stand.log('wills', { bound: ['will'] })
  const first = await stand.client({ name: 'a', keepMs: 60_000, wills: [will(stand, 'a')] })
  const second = await stand.client({ name: 'b', keepMs: 60_000, wills: [will(stand, 'b')] })
  stand.store.become(full)
  await close(stand, first)
  await close(stand, second)
  await stand.settle()
  await stand.client({ name: 'b', keepMs: 60_000, wills: [will(stand, 'b again')] })
  await stand.crash()
  await stand.settle()
  assert.deepEqual((await stand.readAll(wills)).sort(), ['a', 'b', 'b again'])
  await stand.crash()
  await stand.settle()
  assert.equal((await stand.readAll(wills)).length, 3, 'once')
})

test('what waits is bounded', async () => {
  const stand = await Stand.open()
  const wills = await stand.log('wills', { bound: ['will'] })
  stand.store.become(full)
  const value = 'w'.repeat(1024 * 1024)
  for (let i = 0; i < 20; i++) await close(stand, await stand.client({ wills: [will(stand, value)] }))
  stand.store.become({ state: 'ok' })
  await stand.settle()
  assert.equal(stand.broker.bounds(wills)[0]!.end, 15)
})
