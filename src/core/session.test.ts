import assert from 'node:assert/strict'
import type { BitChange } from './facade/index.ts'
import type { Stand } from './testing/stage.ts'
import { errorOf, ok, records } from './testing/stage.ts'
import { onBoth } from './testing/both.ts'

const will = (stand: Stand, delayMs: number, address = 'will') => ({
  publish: { op: 'publish' as const, to: [{ space: stand.shared, levels: [address] }], ...records(address) },
  delayMs,
})

onBoth('a takeover fences: the old epoch cannot settle or commit, and its will is published (T8)', async (open) => {
  const stand = await open()
  const [log, queue] = await stand.queue('q')
  const [wills] = await stand.queue('wills')
  await stand.route('will', wills)
  const old = await stand.client({ name: 'c', keepMs: 60_000, wills: [will(stand, 0)] })
  await stand.append(old, log, 'a')
  await stand.attach(old, queue)
  assert.equal(old.deliveries.length, 1)
  const young = await stand.client({ name: 'c', keepMs: 60_000 })
  assert.equal(young.session, old.session)
  assert.equal(young.epoch, old.epoch + 1)
  assert.deepEqual(old.notices, [{ notice: 'fenced' }])
  const settle = { op: 'settle', subscription: queue, as: { do: 'done' } } as const
  const results = await stand.wait(
    stand.broker.commit([{ ...settle, ranges: [{ partition: 0, first: 0, last: 0, attempt: 1 }] }], old),
  )
  assert.equal(errorOf(results[0]), 'fenced')
  assert.deepEqual(await stand.readAll(wills), ['will'])
  await stand.attach(young, queue)
  assert.equal(young.deliveries[0]!.attempt, 2)
  const refused = await stand.wait(
    stand.broker.open({ namespace: stand.namespace, user: 'x', name: 'c', ifActive: 'refuse' }, young),
  )
  assert.equal(errorOf(refused), 'inUse')
})

onBoth('a kept session: saved state, routes and wills survive a restart, and its end ends them', async (open) => {
  const stand = await open()
  const [wills] = await stand.queue('wills')
  await stand.route('will', wills)
  const client = await stand.client({ name: 'c', keepMs: 10_000, wills: [will(stand, 5000)] })
  const own = await stand.log('own', { lifetime: { owner: client.session } })
  const route = await stand.route('t', own, { owner: client.session })
  await stand.commit(
    client,
    { op: 'save', key: 'k', value: Buffer.from('v') },
    { op: 'save', key: 'gone', value: Buffer.from('x') },
  )
  await stand.commit(client, { op: 'save', key: 'gone', value: null })
  await stand.crash()
  assert.equal(stand.broker.get(route)?.id, route)
  const other = await stand.client()
  await stand.publish(other, 't', 'stored')
  assert.deepEqual(await stand.readAll(own), ['stored'])
  const again = ok(
    await stand.wait(stand.broker.open({ namespace: stand.namespace, user: 'me', name: 'c', keepMs: 10_000 }, other)),
  )
  assert.equal(again.resumed, true)
  assert.deepEqual(
    again.saved.map(({ key, value }) => [key, String(value)]),
    [['k', 'v']],
  )
  await stand.settle(6000)
  assert.deepEqual(await stand.readAll(wills), [], 'it came back before its will was due')
  ok(await stand.wait(stand.broker.close(again.session, again.epoch, { wills: 'fire' })))
  await stand.settle(10_001)
  assert.equal(stand.broker.get(own), undefined)
  assert.equal(stand.broker.get(route), undefined)
  await stand.crash()
  assert.equal(stand.broker.sessions().length, 0)
})

onBoth('a session that is kept only when its connection ends keeps what it had saved, over a crash', async (open) => {
  const stand = await open()
  const client = await stand.client({ name: 'c' })
  await stand.commit(client, { op: 'save', key: 'k', value: Buffer.from('v') })
  ok(await stand.wait(stand.broker.close(client.session, client.epoch, { keepMs: 60_000, wills: 'fire' })))
  await stand.crash()
  const { resumed, saved } = ok(
    await stand.wait(stand.broker.open({ namespace: stand.namespace, user: 'me', name: 'c' }, client)),
  )
  assert.ok(resumed)
  assert.deepEqual(
    saved.map(({ key, value }) => [key, String(value)]),
    [['k', 'v']],
  )
})

onBoth('a delayed will comes when due, or with the end of the session', async (open) => {
  const stand = await open()
  const [wills] = await stand.queue('wills')
  await stand.route('*', wills)
  const client = await stand.client({
    name: 'c',
    keepMs: 1000,
    wills: [will(stand, 200, 'soon'), will(stand, 5000, 'late')],
  })
  ok(await stand.wait(stand.broker.close(client.session, client.epoch, { wills: 'fire' })))
  await stand.settle(150)
  assert.deepEqual(await stand.readAll(wills), [])
  await stand.settle(100)
  assert.deepEqual(await stand.readAll(wills), ['soon'])
  await stand.settle(1000)
  assert.deepEqual(await stand.readAll(wills), ['soon', 'late'])
  const quiet = await stand.client({ wills: [will(stand, 0, 'never')] })
  ok(await stand.wait(stand.broker.close(quiet.session, quiet.epoch, { wills: 'drop' })))
  assert.deepEqual(await stand.readAll(wills), ['soon', 'late'])
})

onBoth('clean starts from nothing', async (open) => {
  const stand = await open()
  const client = await stand.client({ name: 'c', keepMs: Infinity })
  const own = await stand.log('own', { lifetime: { owner: client.session } })
  await stand.client({ name: 'c', keepMs: Infinity, clean: true })
  assert.equal(stand.broker.get(own), undefined)
  await stand.crash()
  assert.equal(stand.broker.sessions().length, 1)
})

onBoth('the end of a connection releases its leases and ends what was its own', async (open) => {
  const stand = await open()
  const [log, queue] = await stand.queue('q')
  const gone = await stand.client()
  const other = await stand.client()
  const temporary = await stand.log('tmp', { lifetime: { owner: gone.session } })
  await stand.append(other, log, 'a', 'b')
  await stand.attach(gone, queue, {}, 1)
  await stand.attach(other, queue)
  assert.deepEqual([gone.values(), other.values()], [['a'], ['b']])
  ok(await stand.wait(stand.broker.close(gone.session, gone.epoch, { wills: 'drop' })))
  await stand.settle()
  assert.deepEqual(
    other.deliveries.map((one) => one.attempt),
    [2],
  )
  assert.equal(stand.broker.get(temporary), undefined)
  const taken = await stand.client()
  ok(await stand.wait(stand.broker.close(taken.session, taken.epoch, { wills: 'drop' })))
})

onBoth('a namespace goes with its sessions; the default one stays', async (open) => {
  const stand = await open()
  const namespace = await stand.define({ kind: 'namespace', name: 'other' })
  const there = await stand.client({ namespace, name: 'c', keepMs: Infinity })
  const here = await stand.client({ name: 'c' })
  assert.notEqual(there.session, here.session)
  ok((await stand.wait(stand.broker.drop([{ id: namespace }])))[0])
  await stand.settle()
  assert.deepEqual(there.notices, [{ notice: 'fenced' }])
  assert.deepEqual(
    stand.broker.sessions().map((one) => one.id),
    [here.session],
  )
  assert.equal(errorOf((await stand.wait(stand.broker.drop([{ id: stand.namespace }])))[0]), 'denied')
})

onBoth('single active: the next one takes over', async (open) => {
  const stand = await open()
  const [log, queue] = await stand.queue('q', { active: 'one' })
  const first = await stand.client()
  const second = await stand.client()
  const one = await stand.attach(first, queue)
  const two = await stand.attach(second, queue)
  await stand.append(first, log, 'a')
  await stand.settle()
  assert.deepEqual([first.values(), second.values()], [['a'], []])
  await stand.wait(stand.broker.detach(one, 'release'))
  await stand.settle()
  assert.deepEqual(second.notices, [{ notice: 'active', consumer: two, active: true }])
  assert.deepEqual(second.values(), ['a'])
})

onBoth(
  'a bit that is saved with a record stays off if that is refused, the others do as they are told',
  async (open) => {
    const stand = await open()
    const client = await stand.client({ name: 'kept', keepMs: Infinity })
    const [log] = await stand.queue('full', { readyMax: 1, overflow: 'refuse' })
    await stand.route('full', log)
    const to = [{ space: stand.shared, levels: ['full'] }]
    const { session, epoch } = client
    const on = (bit: number, op: number, record = 0): BitChange => ({ bit, on: true, with: { op, record } })
    const value = { bytes: 2, changes: [on(1, 0), on(9, 1), on(10, 1, 1), { bit: 3, on: true }] }
    await stand.wait(
      stand.broker.commit(
        [
          { op: 'append', log, ...records('m') },
          { op: 'publish', to, ...records('m', 'n') },
          { op: 'save', key: 'bits', value },
          { op: 'save', key: 'gone', value: { bytes: 1, changes: [on(0, 1)] } },
        ],
        { session, epoch },
      ),
    )
    await stand.commit(client, { op: 'save', key: 'bits', value: { bytes: 2, changes: [{ bit: 3, on: false }] } })
    await stand.crash()
    const opened = await stand.wait(
      stand.broker.open({ namespace: stand.namespace, user: 'me', name: 'kept', keepMs: Infinity }, client),
    )
    assert.ok('ok' in opened)
    assert.deepEqual(opened.ok.saved, [{ key: 'bits', value: Buffer.from([0b10, 0]) }])
  },
)
