import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { openBroker } from '../broker.ts'
import { openMemoryStore } from '../memory-store.ts'
import { onBoth } from '../testing/both.ts'
import { records } from '../testing/stage.ts'

onBoth(
  'a namespace that was dropped with its retained and its delayed messages is gone after a crash',
  async (open) => {
    const stand = await open()
    const client = await stand.client()
    const id = await stand.define({ kind: 'namespace', name: 'other' })
    const to = [{ space: stand.broker.findSpace(id, '')!.id, levels: ['a'] }]
    await stand.commit(
      client,
      { op: 'publish', to, ...records('kept'), retain: true },
      { op: 'publish', to, ...records('later'), due: stand.time.now() + 60_000 },
    )
    await stand.wait(stand.broker.drop([{ id }]))
    await stand.crash()
    assert.equal(stand.broker.findNamespace('other'), undefined)
    assert.deepEqual([...stand.broker['shard'].partitions], [])
  },
)

onBoth('a log that ends with its last route does so when the route ended with the process', async (open) => {
  const stand = await open()
  const clean = await stand.client()
  const kept = await stand.client({ name: 'kept', keepMs: Infinity })
  const [gone] = await stand.queue('gone', {}, { lifetime: { lastRoute: true } })
  const [stays] = await stand.queue('stays', {}, { lifetime: { lastRoute: true } })
  await stand.route('a', gone, { owner: clean.session })
  await stand.route('a', stays, { owner: clean.session })
  await stand.route('a', stays, { owner: kept.session })
  await stand.publish(clean, 'a', 'm')
  await stand.crash()
  await stand.settle()
  assert.equal(stand.broker.get(gone), undefined)
  assert.deepEqual(await stand.readAll(stays), ['m'])
  await stand.crash()
  assert.deepEqual(
    stand.broker.list('log').map(({ id }) => id),
    [stays],
  )
})

test('a start that fails lets go of the store', async (t) => {
  const time = new SimTime()
  const world = { clock: time, timers: time, random: new SimRandom(1) }
  let closed = 0
  const starting = openBroker({
    ...world,
    openStore: async (machine) => {
      const store = await openMemoryStore(machine, { ...world, journal: { commits: [] }, commitMs: 1 })
      t.mock.method(store, 'stageEntry', () => assert.fail('nothing can be staged'))
      t.mock.method(store, 'close', () => Promise.resolve(closed++))
      return store
    },
  })
  await assert.rejects(time.until(starting), /nothing can be staged/)
  assert.equal(closed, 1)
})
