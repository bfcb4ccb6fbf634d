import assert from 'node:assert/strict'
import { after, describe, test, type TestContext } from 'node:test'
import { failed } from '../../src/base/index.ts'
import { plainNames, type Broker } from '../../src/core/index.ts'
import { BatchBuilder } from '../../src/log/index.ts'
import { knownSettings } from '../../src/protocols.ts'
import { createLogger, readSettings, type ProtocolContext } from '../../src/server/index.ts'
import { openStorage } from '../../src/storage.ts'
import { NodeDisk, systemClock, systemRandom, systemTimers } from '../../src/world/node/index.ts'
import { eventually } from '../support/index.ts'
import { FakePeer } from './fake-peer.ts'
import { fixtures, type Fixture } from './fixtures.ts'

/** One core for all tests of this file: a session that stays behind in one shows in the next. */
const settings = readSettings({ data: 'memory' }, knownSettings())
assert.ok('ok' in settings)
const problems: string[] = []
const log = createLogger({ level: 'error', format: 'text', clock: systemClock, write: (line) => problems.push(line) })
const world = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  disk: (folder: string) => new NodeDisk(folder),
}
const storage = await openStorage(settings.ok, log, world, { readingMax: 64 })
if ('error' in storage) throw new Error(storage.detail)
const { broker } = storage.ok

const contexts = new Map<Fixture, ProtocolContext>()

/** As the server makes it: one for each listener. */
function contextOf(fixture: Fixture): ProtocolContext {
  let context = contexts.get(fixture)
  if (context === undefined) contexts.set(fixture, (context = newContext(fixture)))
  return context
}

function newContext({ protocol }: Fixture): ProtocolContext {
  const config = readSettings({}, knownSettings(protocol === undefined ? [] : [protocol]))
  assert.ok('ok' in config)
  return {
    broker,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    log,
    config: config.ok.protocols[protocol?.name ?? ''] ?? {},
    advertised: { host: '127.0.0.1', port: 1 },
    metrics: { messagesIn: 0, messagesOut: 0 },
  }
}

let clients = 100

function connect(t: TestContext, fixture: Fixture) {
  assert.ok(fixture.protocol !== undefined)
  const peer = new FakePeer()
  const session = fixture.protocol.open(peer, contextOf(fixture))
  peer.serve(session)
  t.after(() => peer.disconnect())
  return { peer, session, hello: fixture.hello(++clients) }
}

/** Connected, and past the opening of the protocol. */
async function greeted(t: TestContext, fixture: Fixture) {
  const { peer, session, hello } = connect(t, fixture)
  peer.send(Buffer.concat([hello, fixture.request]))
  await eventually(() => fixture.answered(peer.bytes), `${fixture.name} answers`)
  peer.written = []
  return { peer, session }
}

const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

for (const fixture of fixtures) {
  const skip = fixture.protocol === undefined ? `${fixture.name}: not in this build` : false
  describe(`contract: ${fixture.name}`, { skip }, () => {
    test('a request is answered', async (t) => {
      const { peer } = await greeted(t, fixture)
      assert.equal(peer.closedBecause, undefined)
    })

    test('one byte at a time gives the same answers as one chunk', async (t) => {
      const { peer: whole, hello: first } = connect(t, fixture)
      whole.send(Buffer.concat([first, fixture.request]))
      await eventually(() => fixture.answered(whole.bytes), 'the answer to one chunk')
      whole.disconnect()
      await turns()
      const { peer, hello } = connect(t, fixture)
      for (const byte of Buffer.concat([hello, fixture.request])) peer.send(Buffer.from([byte]))
      await eventually(() => fixture.answered(peer.bytes), 'the answer to single bytes')
      assert.equal(peer.bytes.toString('hex'), whole.bytes.toString('hex'))
    })

    test('many requests in one chunk are all answered, in order', async (t) => {
      const { peer } = await greeted(t, fixture)
      const { peer: single } = await greeted(t, fixture)
      single.send(fixture.request)
      const one = await eventually(() => fixture.answered(single.bytes) && single.bytes, 'one answer')
      peer.send(Buffer.concat(Array.from({ length: 50 }, () => fixture.request)))
      await eventually(() => peer.bytes.length >= one.length * 50, 'fifty answers')
      assert.equal(peer.bytes.toString('hex'), one.toString('hex').repeat(50))
    })

    for (const [index, { opening, bytes: garbage }] of fixture.garbage.entries()) {
      test(`garbage ${index} ends in an error or a close`, async (t) => {
        const { peer } = connect(t, fixture)
        peer.send(garbage.subarray(0, opening))
        if (opening > 0) await eventually(() => peer.written.length > 0, 'the opening')
        await turns()
        peer.written = []
        peer.send(garbage.subarray(opening))
        await eventually(() => peer.closedBecause !== undefined || peer.written.length > 0, 'an error or a close')
        assert.equal(peer.lateWrites, 0)
      })
    }

    test('random bytes harm nobody', async (t) => {
      const witness = await greeted(t, fixture)
      let seed = 12345
      for (let round = 0; round < 50; round++) {
        const { peer, hello } = connect(t, fixture)
        const noise = Buffer.alloc(200)
        for (let at = 0; at < noise.length; at++) noise[at] = (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16
        if (round % 2 === 0) peer.send(Buffer.concat([hello, noise]))
        else peer.send(noise)
        await turns()
        peer.disconnect()
      }
      witness.peer.send(fixture.request)
      await eventually(() => fixture.answered(witness.peer.bytes), 'the witness is still answered')
    })

    test('a client that goes in the middle of a frame leaves nothing behind', async (t) => {
      const sessions = broker.sessions().length
      const { length: opening } = fixture.hello(0)
      for (const cut of [0, 1, opening, opening + fixture.request.length - 1]) {
        const { peer, hello } = connect(t, fixture)
        peer.send(Buffer.concat([hello, fixture.request]).subarray(0, cut))
        peer.disconnect()
        await eventually(() => broker.sessions().length === sessions, `the session is gone (cut at ${cut})`)
        const { length } = peer.written
        await turns()
        assert.equal(peer.written.length, length)
      }
    })

    test('nothing is written after the close', async (t) => {
      const { peer } = await greeted(t, fixture)
      peer.send(Buffer.concat(Array.from({ length: 20 }, () => fixture.request)))
      peer.disconnect()
      const { length } = peer.written
      await turns()
      assert.equal(peer.written.length, length)
    })

    test('stop answers what is under way, then closes', async (t) => {
      const { peer, session } = await greeted(t, fixture)
      peer.send(fixture.request)
      session.stop()
      await eventually(() => peer.closedBecause !== undefined || peer.over, 'the close')
      assert.ok(fixture.answered(peer.bytes), 'the request before the stop was answered')
      assert.equal(peer.lateWrites, 0)
    })

    const noPush = typeof fixture.subscribe === 'string' ? fixture.subscribe : false
    test('a subscriber that does not read costs a bounded amount', { skip: noPush }, async (t) => {
      const { peer } = await greeted(t, fixture)
      peer.send(fixture.subscribe as Buffer)
      await eventually(() => peer.written.length > 0, 'the subscription')
      await turns()
      peer.full = true
      for (let round = 0; round < 20; round++) await publish(broker, 200, 1000)
      await turns()
      assert.ok(peer.buffered < 3_000_000, `${peer.buffered} bytes were pushed at a peer that said stop`)
      peer.drain()
      const before = peer.written.length
      await publish(broker, 1, 10)
      await eventually(() => peer.written.length > before || peer.over, 'deliveries go on')
    })

    test('no session failed on the way', () => {
      assert.deepEqual(problems.splice(0), [])
    })
  })
}

/** From another client, into `contract.test`. */
async function publish(to: Broker, count: number, bytes: number): Promise<void> {
  const namespace = to.findNamespace('default')!.id
  const space = to.findSpace(namespace, '')!.id
  const opened = await to.open({ namespace, user: 'suite' }, { deliver: () => undefined, notice: () => undefined })
  assert.ok(!failed(opened))
  const { session, epoch } = opened.ok
  const builder = new BatchBuilder()
  for (let index = 0; index < count; index++) builder.add(systemClock.now(), null, Buffer.alloc(bytes, 'x'))
  const address = { space, levels: plainNames.decode('contract.test') }
  const [result] = await to.commit([{ op: 'publish', to: [address], batch: builder.finish(), foreign: true }], {
    session,
    epoch,
  })
  assert.ok(result !== undefined && !failed(result))
  await to.close(session, epoch, { wills: 'drop' })
}

after(() => storage.ok.close())
