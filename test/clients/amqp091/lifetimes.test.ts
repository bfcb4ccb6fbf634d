import assert from 'node:assert/strict'
import { eventually } from '../../support/index.ts'
import { cases, holds, Inbox, pause } from './support.ts'

const gone = async (check: () => Promise<unknown>): Promise<void> => {
  await eventually(
    () =>
      check().then(
        () => false,
        (error: unknown) => /404/.test(String(error)),
      ),
    'it is gone',
  )
}

cases('AMQP 0-9-1 declarations and lifetimes, with amqplib', {
  'declaring again: the same is fine, another is 406, integers compare by value': async (w) => {
    const ch = await w.channel()
    const options = { durable: true, messageTtl: 60_000, maxLength: 10, arguments: { 'x-note': 'kept' } }
    assert.deepEqual(await ch.assertQueue(w.name, options), { queue: w.name, messageCount: 0, consumerCount: 0 })
    await ch.assertQueue(w.name, { ...options, arguments: { 'x-message-ttl': { '!': 'int64', value: 60_000 } } })
    const refused = async (other: object, pattern: RegExp): Promise<void> => {
      await assert.rejects((await w.channel()).assertQueue(w.name, { ...options, ...other }), pattern)
    }
    await refused(
      { durable: false },
      /406 \(PRECONDITION-FAILED\).*inequivalent arg 'durable' for queue '.*' in vhost '\/': received 'false' but current is 'true'/,
    )
    await refused({ autoDelete: true }, /406.*inequivalent arg 'auto_delete'/)
    await refused({ messageTtl: 5 }, /406.*inequivalent arg 'x-message-ttl'.*received the value '5'/)
    await refused({ deadLetterExchange: 'x' }, /406.*inequivalent arg 'x-dead-letter-exchange'.*current is none/)
    await refused({ exclusive: true }, /405 \(RESOURCE-LOCKED\)/)
    await ch.assertExchange(w.name, 'direct', { durable: false })
    await ch.assertExchange(w.name, 'direct', { durable: false })
    await assert.rejects(
      (await w.channel()).assertExchange(w.name, 'fanout', { durable: false }),
      /406.*inequivalent arg 'type'/,
    )
    await assert.rejects((await w.channel()).assertExchange(w.name, 'direct'), /406.*inequivalent arg 'durable'/)
  },

  'a queue without a type is a classic one': async (w) => {
    const declare = async (name: string, type?: string): Promise<unknown> =>
      (await w.channel()).assertQueue(w.name + name, type === undefined ? {} : { arguments: { 'x-queue-type': type } })
    await declare('a')
    await declare('a', 'classic')
    await assert.rejects(declare('a', 'quorum'), /406.*'x-queue-type'.*received the value 'quorum'.*current is none/)
    await declare('b', 'classic')
    await declare('b')
    await assert.rejects(declare('b', 'quorum'), /406.*received the value 'quorum'.*current is the value 'classic'/)
    await declare('c', 'quorum')
    await assert.rejects(declare('c'), /406.*received none but current is the value 'quorum'/)
  },

  'server-named queues, and the empty name for the last one declared': async (w) => {
    const ch = await w.channel()
    const { queue } = await ch.assertQueue('', { exclusive: true })
    assert.match(queue, /^amq\.gen-/)
    await ch.bindQueue('', 'amq.fanout', '')
    ch.publish('amq.fanout', '', Buffer.from('x'))
    await holds(ch, queue, 1)
    await assert.rejects((await w.channel()).assertQueue('amq.mine'), /403.*reserved prefix/)
  },

  'exclusive queues are for one connection and die with it': async (w) => {
    const connection = await w.connection()
    const ch = await connection.createChannel()
    await ch.assertQueue(w.name, { exclusive: true })
    const other = (): Promise<unknown> => w.channel().then((c) => c.checkQueue(w.name))
    await assert.rejects(other(), /405 \(RESOURCE-LOCKED\)/)
    await (await connection.createChannel()).checkQueue(w.name)
    await connection.close()
    // At once: a client that reconnects declares it again.
    await (await w.channel()).assertQueue(w.name, { exclusive: true })
  },

  'auto-delete queues die with their last consumer, not before there was one': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name, { autoDelete: true })
    await pause(100)
    await ch.checkQueue(w.name)
    const a = await Inbox.open(ch, w.name)
    const b = await Inbox.open(ch, w.name)
    await ch.cancel(a.tag)
    await ch.checkQueue(w.name)
    await ch.cancel(b.tag)
    await gone(async () => (await w.channel()).checkQueue(w.name))
    await ch.assertQueue(w.name, { autoDelete: true })
    const connection = await w.connection()
    await Inbox.open(await connection.createChannel(), w.name)
    await connection.close()
    await gone(async () => (await w.channel()).checkQueue(w.name))
  },

  'x-expires counts from the last use': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name, { expires: 400 })
    const inbox = await Inbox.open(ch, w.name)
    await pause(700)
    await ch.checkQueue(w.name)
    await ch.cancel(inbox.tag)
    // A passive declaration is a use, too.
    for (let i = 0; i < 4; i++) {
      await pause(200)
      await ch.checkQueue(w.name)
    }
    await pause(2000)
    await assert.rejects(ch.checkQueue(w.name), /404/)
  },

  'names may hold any bytes but line ends, which are taken out': async (w) => {
    const ch = await w.channel()
    for (const name of ['a b', 'a.b..c.', 'ä/漢', '%41', '*.#', '.']) {
      const { queue } = await ch.assertQueue(w.name + name)
      assert.equal(queue, w.name + name)
      ch.sendToQueue(queue, Buffer.from(name))
      await holds(ch, queue, 1)
    }
    assert.equal((await ch.assertQueue(`${w.name}a\r\nb`)).queue, `${w.name}ab`)
  },
})
