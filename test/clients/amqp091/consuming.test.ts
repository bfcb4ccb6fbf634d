import assert from 'node:assert/strict'
import type { Channel, ConsumeMessage } from 'amqplib'
import { eventually } from '../../support/index.ts'
import { RawClient, bits, method, shortstr, table, u16 } from './raw.ts'
import { cases, drain, holds, Inbox, pause, quiet, text } from './support.ts'

const fill = async (channel: Channel, queue: string, count: number): Promise<string[]> => {
  const bodies = Array.from({ length: count }, (_, i) => `m${i}`)
  for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body))
  await holds(channel, queue, count)
  return bodies
}
const tags = (messages: readonly ConsumeMessage[]): number[] => messages.map((m) => m.fields.deliveryTag)

cases('AMQP 0-9-1 consuming, with amqplib', {
  'deliveries come in order with tags from 1; what is acknowledged is gone': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    const bodies = await fill(ch, w.name, 300)
    const inbox = await Inbox.open(ch, w.name)
    await inbox.take(300)
    assert.deepEqual(inbox.texts, bodies)
    assert.deepEqual(
      tags(inbox.messages),
      bodies.map((_, i) => i + 1),
    )
    assert.ok(
      inbox.messages.every((m) => !m.fields.redelivered && m.fields.exchange === '' && m.fields.routingKey === w.name),
    )
    ch.ack(inbox.messages[99]!, true)
    for (const message of inbox.messages.slice(100, 290)) ch.ack(message)
    await ch.checkQueue(w.name)
    await ch.close()
    const after = await w.channel()
    await holds(after, w.name, 10)
    assert.deepEqual(await drain(after, w.name), bodies.slice(290))
  },

  'nack with requeue brings messages back to their place, redelivered': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    const bodies = await fill(ch, w.name, 10)
    await ch.prefetch(5)
    const inbox = await Inbox.open(ch, w.name)
    await inbox.stays(5)
    await ch.cancel(inbox.tag)
    ch.nack(inbox.messages[3]!)
    ch.nack(inbox.messages[1]!)
    ch.ack(inbox.messages[0]!)
    ch.ack(inbox.messages[2]!)
    ch.reject(inbox.messages[4]!, true)
    await holds(ch, w.name, 8)
    const again = await Inbox.open(ch, w.name, { noAck: true })
    await again.take(8)
    assert.deepEqual(again.texts, [bodies[1], bodies[3], ...bodies.slice(4)])
    assert.deepEqual(
      again.messages.map((m) => m.fields.redelivered),
      [true, true, true, false, false, false, false, false],
    )
  },

  'reject without requeue drops, nackAll requeues all': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 3)
    const first = await ch.get(w.name)
    assert.ok(first)
    ch.reject(first, false)
    await ch.get(w.name)
    await ch.get(w.name)
    assert.equal(await ch.get(w.name), false)
    ch.nackAll()
    await holds(ch, w.name, 2)
    assert.deepEqual(await drain(ch, w.name), ['m1', 'm2'])
  },

  'prefetch counts for each consumer of its own': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 20)
    await ch.prefetch(3)
    const a = await Inbox.open(ch, w.name)
    await a.stays(3)
    const b = await Inbox.open(ch, w.name)
    await b.stays(3)
    ch.ack(a.messages[0]!)
    await a.stays(4)
    await b.stays(3)
    ch.ack(b.messages[2]!, true) // all up to its tag, of both consumers
    await eventually(() => a.messages.length + b.messages.length === 12, 'both are full again')
    await a.stays(a.messages.length)
  },

  'a global prefetch is shared by the consumers of a channel, also by those that were there': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await ch.prefetch(4, true)
    const a = await Inbox.open(ch, w.name)
    const b = await Inbox.open(ch, w.name)
    await fill(await w.channel(), w.name, 0)
    for (let i = 0; i < 20; i++) ch.sendToQueue(w.name, Buffer.from(`m${i}`))
    const count = (): number => a.messages.length + b.messages.length
    await eventually(() => count() === 4, '4 in all')
    await pause(150)
    assert.equal(count(), 4)
    for (const m of [...a.messages, ...b.messages].slice(0, 2)) ch.ack(m)
    await eventually(() => count() === 6, '2 more')
    await ch.prefetch(8, true)
    await eventually(() => count() === 10, '8 unsettled')
    await pause(150)
    assert.equal(count(), 10)
    await ch.prefetch(0, true)
    await eventually(() => count() === 20, 'no limit')
  },

  'basic.get ignores prefetch and says how many are left': async (w) => {
    const ch = await w.channel()
    await ch.prefetch(1)
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 3)
    const left: number[] = []
    for (let i = 0; i < 3; i++) {
      const message = await ch.get(w.name)
      assert.ok(message)
      assert.equal(text(message), `m${i}`)
      left.push(message.fields.messageCount)
    }
    assert.deepEqual(left, [2, 1, 0])
    assert.equal(await ch.get(w.name), false)
  },

  'purge and delete count what is ready only': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 5)
    const held = await ch.get(w.name)
    assert.ok(held)
    assert.deepEqual(await ch.purgeQueue(w.name), { messageCount: 4 })
    ch.nack(held)
    await holds(ch, w.name, 1)
    await assert.rejects((await w.channel()).deleteQueue(w.name, { ifEmpty: true }), /406.*not empty/)
    assert.deepEqual(await ch.deleteQueue(w.name), { messageCount: 1 })
    await assert.rejects((await w.channel()).checkQueue(w.name), /404.*no queue/)
  },

  'a dropped connection gives back what it held, redelivered': async (w) => {
    const connection = await w.connection()
    const ch = quiet(await connection.createChannel())
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 3)
    await (await Inbox.open(ch, w.name)).take(3)
    const socket = (connection.connection as unknown as { stream: { destroy(error: Error): void } }).stream
    socket.destroy(new Error('cut'))
    const other = await w.channel()
    const inbox = await Inbox.open(other, w.name)
    await inbox.take(3)
    assert.deepEqual(inbox.texts, ['m0', 'm1', 'm2'])
    assert.ok(inbox.messages.every((m) => m.fields.redelivered))
  },

  'consumers are told when their queue is deleted, and ifUnused sees them': async (w) => {
    const ch = await w.channel()
    const other = await w.channel()
    await ch.assertQueue(w.name)
    const inbox = await Inbox.open(ch, w.name)
    assert.equal((await other.checkQueue(w.name)).consumerCount, 1)
    await assert.rejects((await w.channel()).deleteQueue(w.name, { ifUnused: true }), /406.*in use/)
    await other.deleteQueue(w.name)
    await eventually(() => inbox.cancelled, 'basic.cancel')
    // The tag may be used again.
    await ch.assertQueue(w.name)
    await ch.consume(w.name, () => undefined, { consumerTag: inbox.tag })
  },

  'cancel: nothing more comes, what was delivered can still be acknowledged': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 4)
    await ch.prefetch(2)
    const inbox = await Inbox.open(ch, w.name)
    await inbox.take(2)
    await ch.cancel(inbox.tag)
    inbox.messages.forEach((m) => ch.ack(m))
    await inbox.stays(2)
    assert.deepEqual(await drain(ch, w.name), ['m2', 'm3'])
    await ch.cancel('unknown')
  },

  'consumers take turns; a higher priority comes first while it has room': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await ch.prefetch(2)
    const low = await Inbox.open(ch, w.name)
    const high = await Inbox.open(ch, w.name, { priority: 5 })
    const same = await Inbox.open(ch, w.name, { priority: 5 })
    for (let i = 0; i < 6; i++) ch.sendToQueue(w.name, Buffer.from(`m${i}`))
    await eventually(() => low.messages.length === 2, 'all delivered')
    assert.deepEqual([high.messages.length, same.messages.length], [2, 2])
    assert.deepEqual(low.texts, ['m4', 'm5'])
  },

  'single active consumer: one gets all, the next takes over': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name, { arguments: { 'x-single-active-consumer': true } })
    const a = await Inbox.open(ch, w.name)
    const b = await Inbox.open(ch, w.name)
    for (let i = 0; i < 5; i++) ch.sendToQueue(w.name, Buffer.from(`m${i}`))
    await a.stays(5)
    assert.equal(b.messages.length, 0)
    a.messages.forEach((m) => ch.ack(m))
    await ch.cancel(a.tag)
    ch.sendToQueue(w.name, Buffer.from('next'))
    await b.take(1)
    assert.deepEqual(b.texts, ['next'])
  },

  'an exclusive consumer is alone': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    const alone = await Inbox.open(ch, w.name, { exclusive: true })
    await assert.rejects(Inbox.open(await w.channel(), w.name), /403 \(ACCESS-REFUSED\).*in exclusive use/)
    await ch.cancel(alone.tag)
    await Inbox.open(ch, w.name)
    await assert.rejects(Inbox.open(await w.channel(), w.name, { exclusive: true }), /403/)
  },

  'priorities: higher ones first, above the maximum counts as the maximum, order within one': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name, { maxPriority: 5 })
    const given = [1, 5, undefined, 9, 0, 5, 3]
    given.forEach((priority, i) =>
      ch.sendToQueue(w.name, Buffer.from(`${priority}-${i}`), priority === undefined ? {} : { priority }),
    )
    await holds(ch, w.name, given.length)
    const inbox = await Inbox.open(ch, w.name)
    await inbox.take(given.length)
    assert.deepEqual(inbox.texts, ['5-1', '9-3', '5-5', '3-6', '1-0', 'undefined-2', '0-4'])
    assert.equal(inbox.messages[1]!.properties.priority, 9)
  },

  'a consumer that does not read costs a window, not the queue': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name)
    for (let i = 0; i < 1000; i++) ch.sendToQueue(w.name, Buffer.alloc(64 * 1024))
    await ch.waitForConfirms()
    const slow = await RawClient.open(w.port)
    slow.socket.pause()
    const empty = table()
    slow.send(method(1, 60, 20, u16(0), shortstr(w.name), shortstr('c'), bits(2), empty))
    await eventually(async () => (await ch.checkQueue(w.name)).messageCount < 1000, 'something is delivered')
    await pause(500)
    const left = (await ch.checkQueue(w.name)).messageCount
    assert.ok(left > 600, `${left} left of 1000`)
    // Others get theirs.
    const inbox = await Inbox.open(ch, w.name, { noAck: true })
    await inbox.take(left)
    await slow.close()
  },

  'recover requeues all that a channel holds': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 3)
    const inbox = await Inbox.open(ch, w.name)
    await inbox.take(3)
    await ch.recover()
    await inbox.take(6)
    assert.deepEqual(inbox.texts, ['m0', 'm1', 'm2', 'm0', 'm1', 'm2'])
    assert.deepEqual(
      inbox.messages.map((m) => m.fields.redelivered),
      [false, false, false, true, true, true],
    )
    inbox.messages.slice(3).forEach((m) => ch.ack(m))
    await ch.close()
    await holds(await w.channel(), w.name, 0)
  },

  'acknowledging twice closes the channel, and only the channel': async (w) => {
    const connection = await w.connection()
    const ch = quiet(await connection.createChannel())
    const other = quiet(await connection.createChannel())
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 1)
    const inbox = await Inbox.open(ch, w.name)
    await inbox.take(1)
    ch.ack(inbox.messages[0]!)
    ch.ack(inbox.messages[0]!)
    await assert.rejects(ch.checkQueue(w.name), /406 \(PRECONDITION-FAILED\).*unknown delivery tag 1/)
    await holds(other, w.name, 0)
  },
})
