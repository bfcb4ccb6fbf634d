import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestBroker } from '../support/index.ts'
import { party, partyNames, type Message, type PartyName } from './parties.ts'

const timestamp = 1_700_000_000_000

/** docs/crossing.md, the rows that a real client shows: what is lost on the way from `from` to `to`. */
function expected(from: PartyName, to: PartyName, sent: Message): Message {
  const { timestamp: time, ...seen } = sent
  // MQTT has no timestamp: what it publishes gets the broker's, which only Kafka shows; what it receives has none.
  return from === 'mqtt' || to === 'mqtt' ? seen : { ...seen, timestamp: time! }
}

for (const from of partyNames) {
  for (const to of partyNames) {
    test(`${from} to ${to}: every field of docs/crossing.md arrives`, async (t) => {
      const broker = await startTestBroker(t)
      const levels = ['orders', `${from}-${to}`]
      const sender = await party(from, broker, levels)
      const receiver = await party(to, broker, levels)
      // A topic of this name must be there for AMQP and MQTT to reach Kafka: publishing creates nothing.
      const inbox = await receiver.listen()
      const full: Message = {
        body: 'größe: 7',
        key: 'customer-1',
        headers: { region: 'eu', note: 'ü' },
        contentType: 'application/json',
        correlationId: 'c-17',
        replyTo: { address: ['replies', 'one'] },
        timestamp,
      }
      const plain: Message = { body: '', headers: {}, replyTo: { queue: 'answers' }, timestamp }
      const before = Date.now()
      await sender.publish([full, plain])
      const arrived = await inbox.take(2)
      if (from === 'mqtt' && to === 'kafka') {
        for (const message of arrived) {
          assert.ok(message.timestamp! >= before - 1000 && message.timestamp! <= Date.now() + 1000, 'the broker’s time')
          delete message.timestamp
        }
      }
      if (from === 'mqtt' && to === 'amqp') for (const message of arrived) delete message.timestamp
      assert.deepEqual(arrived, [expected(from, to, full), expected(from, to, plain)])
      await sender.close()
      await receiver.close()
    })
  }
}

for (const from of partyNames) {
  test(`${from}: order is kept within a partition, in every protocol`, async (t) => {
    const broker = await startTestBroker(t)
    const levels = ['ordered', from]
    const parties = await Promise.all(partyNames.map((name) => party(name, broker, levels)))
    const inboxes = await Promise.all(parties.map((each) => each.listen()))
    const bodies = Array.from({ length: 1000 }, (_, i) => String(i))
    await parties[partyNames.indexOf(from)]!.publish(bodies.map((body) => ({ body, key: 'k' })))
    for (const inbox of inboxes)
      assert.deepEqual(
        (await inbox.take(1000)).map((m) => m.body),
        bodies,
      )
    for (const each of parties) await each.close()
  })
}

for (const from of partyNames) {
  test(`${from}: wildcards match across protocols`, async (t) => {
    const broker = await startTestBroker(t)
    const sender = await party(from, broker, ['orders', 'eu'])
    const other = await party(from, broker, ['other', 'eu'])
    const listeners = [
      await party('amqp', broker, [], ['orders', '#']),
      await party('amqp', broker, [], ['*', 'eu']),
      await party('mqtt', broker, [], ['orders', '#']),
      await party('mqtt', broker, [], ['*', 'eu']),
    ]
    const inboxes = await Promise.all(listeners.map((each) => each.listen()))
    await sender.publish([{ body: 'yes' }])
    await other.publish([{ body: 'other' }])
    await sender.publish([{ body: 'end' }])
    const seen = await Promise.all(inboxes.map((inbox, i) => inbox.take(i % 2 === 0 ? 2 : 3)))
    assert.deepEqual(
      seen.map((messages) => messages.map((m) => m.body)),
      [
        ['yes', 'end'],
        ['yes', 'other', 'end'],
        ['yes', 'end'],
        ['yes', 'other', 'end'],
      ],
    )
    for (const each of [sender, other, ...listeners]) await each.close()
  })
}
