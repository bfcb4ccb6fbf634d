import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk, type SimOperation } from '../world/sim/sim-disk.ts'
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
  assert.deepEqual(client.notices, [{ notice: 'fenced' }])
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
  disk.faults = { fail: () => null, delayMs: () => 0.1 }
  await stand.settle(5000)
  assert.equal((await stand.readAll(log))[0], 'a')
})
