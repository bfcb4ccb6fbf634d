import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk, type SimFaults, type SimOperation } from '../world/sim/sim-disk.ts'
import { SimRandom } from '../world/sim/random.ts'
import { SimTime } from '../world/sim/time.ts'
import { ok, records, Stand } from './testing/stage.ts'

async function onDisk(): Promise<{ stand: Stand; disk: SimDisk }> {
  const time = new SimTime()
  const disk = new SimDisk(time, new SimRandom(3))
  const stand = new Stand('journal', disk)
  stand.time = time
  await stand.start()
  return { stand, disk }
}

test('a commit that fails: nothing of it is acknowledged, clients are let go, and the broker opens its journal again', async () => {
  const { stand, disk } = await onDisk()
  const client = await stand.client({ name: 'kept', keepMs: Infinity })
  const log = await stand.log('l')
  await stand.append(client, log, 'kept')
  let failures = 0
  const fail = (operation: SimOperation): 'io' | null => (operation === 'commit' && failures++ < 1 ? 'io' : null)
  disk.faults = { fail, delayMs: () => 0.1 }
  const lost = stand.broker.commit([{ op: 'append', log, ...records('lost') }], client)
  const waiting = stand.broker.read([{ log, partition: 0, offset: 1, bytesMax: 100 }], {
    session: client.session,
    bytesMin: 1,
    bytesMax: 100,
    waitMs: 500,
  })
  assert.deepEqual(
    (await stand.wait(lost)).map((one) => 'error' in one && one.error),
    ['unavailable'],
  )
  assert.deepEqual(client.notices, [{ notice: 'unavailable' }])
  const meanwhile = await stand.wait(stand.broker.open({ namespace: stand.namespace, user: 'x' }, client))
  assert.ok('error' in meanwhile && meanwhile.error === 'unavailable')
  await stand.wait(waiting)
  await stand.settle(5000)
  const again = ok(
    await stand.wait(stand.broker.open({ namespace: stand.namespace, user: 'me', name: 'kept', keepMs: 0 }, client)),
  )
  assert.equal(again.resumed, true)
  assert.ok(again.epoch > client.epoch, 'who was there before is fenced')
  const values = await stand.readAll(log)
  assert.equal(values[0], 'kept')
  ok((await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('after') }], again)))[0])
  assert.equal((await stand.readAll(log)).at(-1), 'after')
})

test('while the disk stays broken the broker says so, and comes back when it is whole', async () => {
  const { stand, disk } = await onDisk()
  const client = await stand.client()
  const log = await stand.log('l')
  await stand.append(client, log, 'a')
  disk.faults = {
    fail: (operation) => (operation === 'read' || operation === 'commit' ? 'io' : null),
    delayMs: () => 0.1,
  }
  await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('b') }], client))
  await stand.settle(10_000)
  const refused = await stand.wait(stand.broker.open({ namespace: stand.namespace, user: 'x' }, client))
  assert.ok('error' in refused && refused.error === 'unavailable')
  let available = false
  void stand.broker.available().then((is) => (available = is))
  await stand.settle(10_000)
  assert.equal(available, false)
  disk.faults = { fail: () => null, delayMs: () => 0.1 }
  await stand.settle(11_000)
  assert.equal(available, true)
  assert.equal((await stand.readAll(log))[0], 'a')
})

const broken: SimFaults = { fail: (operation) => (operation === 'commit' ? 'io' : null), delayMs: () => 0.1 }

/** How often the store was opened, told by the folder that only an opening lists. */
function countOpenings(disk: SimDisk): () => number {
  let openings = 0
  disk.onOperation = (operation, path) => void (openings += operation === 'list' && path === 'checkpoint' ? 1 : 0)
  return () => openings
}

test('the longer the disk stays broken, the more rarely the journal is read again', async () => {
  const { stand, disk } = await onDisk()
  const client = await stand.client()
  const log = await stand.log('l')
  const openings = countOpenings(disk)
  disk.faults = broken
  await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('a') }], client))
  await stand.settle(120_000)
  assert.ok(openings() >= 10 && openings() <= 16, `${openings()} times in 2 minutes`)
})

test('a disk that comes and goes does not let go of the clients every second', async () => {
  const { stand, disk } = await onDisk()
  const openings = countOpenings(disk)
  const client = await stand.client()
  for (let passed = 0; passed < 120_000; passed += 100) {
    disk.faults = { fail: () => null, delayMs: () => 0.1 }
    await stand.settle(90)
    disk.faults = broken
    void stand.broker.open({ namespace: stand.namespace, user: 'x', name: `${passed}`, keepMs: 60_000 }, client)
    await stand.settle(10)
  }
  assert.ok(openings() <= 20, `${openings()} times in 2 minutes`)
})

test('a broker that is stopped while its store is being opened again leaves nothing open', async () => {
  for (const waitMs of [500, 1000, 1050]) {
    const { stand, disk } = await onDisk()
    const client = await stand.client()
    const log = await stand.log('l')
    await stand.append(client, log, 'kept')
    disk.faults = { fail: broken.fail, delayMs: () => 20 }
    await stand.wait(stand.broker.commit([{ op: 'append', log, ...records('lost') }], client))
    disk.faults = { fail: () => null, delayMs: () => 20 }
    await stand.settle(waitMs)
    await stand.wait(stand.broker.shutdown())
    disk.faults = { fail: () => null, delayMs: () => 0.1 }
    await stand.settle(20_000)
    await stand.start()
    assert.equal((await stand.readAll(log))[0], 'kept')
  }
})
