import assert from 'node:assert/strict'
import type { ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/index.ts'
import { cases, drain, holds, Inbox, pause, text } from './support.ts'

/** Publishes and tells which sequence numbers were confirmed, in the order of the answers. */
function publishMany(
  channel: ConfirmChannel,
  queue: string,
  count: number,
  body = (i: number) => `m${i}`,
): Promise<boolean[]> {
  return Promise.all(
    Array.from(
      { length: count },
      (_, i) =>
        new Promise<boolean>((resolve) => {
          channel.sendToQueue(queue, Buffer.from(body(i)), { persistent: true }, (error) => resolve(error === null))
        }),
    ),
  )
}

interface Death {
  queue: string
  reason: string
  count: number
  exchange: string
  'routing-keys': string[]
  time: { '!': string }
  'original-expiration'?: string
}

cases('AMQP 0-9-1 publishing, with amqplib', {
  '10,000 confirms, and all of it is there in order': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name)
    assert.ok((await publishMany(ch, w.name, 10_000)).every(Boolean))
    assert.equal((await ch.checkQueue(w.name)).messageCount, 10_000)
    const inbox = await Inbox.open(ch, w.name, { noAck: true })
    await inbox.take(10_000)
    assert.deepEqual(
      inbox.texts,
      Array.from({ length: 10_000 }, (_, i) => `m${i}`),
    )
  },

  'all properties arrive as they were published': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name)
    const properties = {
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      persistent: true,
      priority: 3,
      correlationId: 'c-1',
      replyTo: 'answers.here',
      expiration: '60000',
      messageId: 'm-1',
      timestamp: 1_700_000_000,
      type: 'order',
      userId: 'guest',
      appId: 'tests',
      headers: {
        text: 'ä',
        number: 42,
        big: 2 ** 40,
        float: 1.5,
        yes: true,
        nothing: null,
        list: [1, 'two', [true]],
        table: { inner: { deep: 1 } },
        bytes: Buffer.from([0, 255]),
        time: { '!': 'timestamp', value: 1_600_000_000 },
        decimal: { '!': 'decimal', value: { digits: 123, places: 2 } },
      },
    }
    ch.sendToQueue(w.name, Buffer.from('{}'), properties)
    await ch.waitForConfirms()
    const message = await ch.get(w.name, { noAck: true })
    assert.ok(message)
    const { headers, ...rest } = message.properties
    assert.deepEqual(headers, properties.headers)
    const sent: Record<string, unknown> = { ...properties }
    delete sent.persistent
    delete sent.headers
    assert.deepEqual(Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined)), {
      ...sent,
      deliveryMode: 2,
    })
  },

  'what was just published is there for get, purge and delete, without a confirm': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    for (const round of ['a', 'b', 'c']) {
      ch.sendToQueue(w.name, Buffer.from(round))
      assert.equal(text(await ch.get(w.name, { noAck: true })), round)
    }
    for (let i = 0; i < 5; i++) ch.sendToQueue(w.name, Buffer.from('x'))
    assert.deepEqual(await ch.purgeQueue(w.name), { messageCount: 5 })
    ch.sendToQueue(w.name, Buffer.from('x'))
    assert.deepEqual(await ch.deleteQueue(w.name), { messageCount: 1 })
  },

  'mandatory: returned before its ack, and acked': async (w) => {
    const ch = await w.confirmChannel()
    const seen: string[] = []
    ch.on(
      'return',
      (m: { fields: { replyCode: number; replyText: string }; content: Buffer; properties: { messageId: string } }) => {
        seen.push(`return ${m.fields.replyCode} ${m.fields.replyText} ${text(m)} ${m.properties.messageId}`)
      },
    )
    const confirm =
      (name: string) =>
      (error: unknown): unknown =>
        seen.push(`${error === null ? 'ack' : 'nack'} ${name}`)
    await ch.assertQueue(w.name)
    ch.sendToQueue(w.name, Buffer.from('there'), { mandatory: true }, confirm('there'))
    ch.sendToQueue(`${w.name}nowhere`, Buffer.from('gone'), { mandatory: true, messageId: 'id' }, confirm('gone'))
    ch.sendToQueue(`${w.name}nowhere`, Buffer.from('silent'), {}, confirm('silent'))
    ch.publish('amq.direct', `${w.name}nowhere`, Buffer.from('x'), { mandatory: true, messageId: 'id2' }, confirm('x'))
    await ch.waitForConfirms()
    const of = (word: string): string[] => seen.filter((line) => line.split(' ').includes(word))
    assert.deepEqual(of('there'), ['ack there'])
    assert.deepEqual(of('gone'), ['return 312 NO_ROUTE gone id', 'ack gone'])
    assert.deepEqual(of('silent'), ['ack silent'])
    assert.deepEqual(of('x'), ['return 312 NO_ROUTE x id2', 'ack x'])
  },

  'empty and large bodies': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name)
    const bodies = [0, 1, 4087, 4088, 131_064, 131_065, 1_000_000, 10 * 1024 * 1024].map((size) =>
      Buffer.alloc(size, size % 251),
    )
    for (const body of bodies) ch.sendToQueue(w.name, body)
    await ch.waitForConfirms()
    const inbox = await Inbox.open(ch, w.name, { noAck: true })
    await inbox.take(bodies.length)
    inbox.messages.forEach((message, i) =>
      assert.ok(message.content.equals(bodies[i]!), `body of ${bodies[i]!.length}`),
    )
  },

  'reject-publish: nacks what a full queue refuses, and only that': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name, { maxLength: 5, arguments: { 'x-overflow': 'reject-publish' } })
    const answers = await publishMany(ch, w.name, 12)
    assert.deepEqual(
      answers,
      Array.from({ length: 12 }, (_, i) => i < 5),
    )
    assert.deepEqual(await drain(ch, w.name), ['m0', 'm1', 'm2', 'm3', 'm4'])
    assert.deepEqual(await publishMany(ch, w.name, 1), [true])
  },

  'reject-publish behind a headers exchange: nacks what the full queue refuses, and only that': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertExchange(w.name, 'headers')
    await ch.assertQueue(w.name, { maxLength: 0, arguments: { 'x-overflow': 'reject-publish' } })
    await ch.assertQueue(`${w.name}b`)
    await ch.bindQueue(w.name, w.name, '', { to: 'full' })
    await ch.bindQueue(`${w.name}b`, w.name, '', { to: 'b' })
    const sent = ['full', 'b', 'full', 'b', 'b'].map((to) => {
      return new Promise((resolve) => {
        ch.publish(w.name, '', Buffer.from(to), { headers: { to } }, (error) => resolve([to, error === null]))
      })
    })
    assert.deepEqual((await Promise.all(sent)).map(String), ['full,false', 'b,true', 'full,false', 'b,true', 'b,true'])
    assert.equal((await ch.checkQueue(`${w.name}b`)).messageCount, 3)
  },

  'reject-publish and CC: only the full queue refuses, message by message, and the channel goes on': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await ch.assertQueue(`${w.name}b`, { maxLength: 2, arguments: { 'x-overflow': 'reject-publish' } })
    for (let i = 0; i < 4; i++) ch.sendToQueue(w.name, Buffer.from(`m${i}`), { CC: `${w.name}b` })
    await holds(ch, w.name, 4)
    assert.deepEqual(await drain(ch, `${w.name}b`), ['m0', 'm1'])
  },

  'drop-head: the oldest go, by number and by bytes': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name, { maxLength: 3 })
    await publishMany(ch, w.name, 10)
    await holds(ch, w.name, 3)
    assert.deepEqual(await drain(ch, w.name), ['m7', 'm8', 'm9'])
    await ch.assertQueue(`${w.name}b`, { arguments: { 'x-max-length-bytes': 250 } })
    await publishMany(ch, `${w.name}b`, 10, (i) => `${i}`.padEnd(100))
    await holds(ch, `${w.name}b`, 2)
    assert.deepEqual(
      (await drain(ch, `${w.name}b`)).map((body) => body.trim()),
      ['8', '9'],
    )
  },

  'what overflows or is refused with -dlx goes to the dead letter exchange': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertExchange(`${w.name}x`, 'fanout')
    await ch.assertQueue(`${w.name}dead`)
    await ch.bindQueue(`${w.name}dead`, `${w.name}x`, '')
    await ch.assertQueue(w.name, { maxLength: 1, deadLetterExchange: `${w.name}x` })
    await publishMany(ch, w.name, 3)
    await holds(ch, `${w.name}dead`, 2)
    const dead = await ch.get(`${w.name}dead`, { noAck: true })
    assert.ok(dead)
    assert.equal(text(dead), 'm0')
    assert.equal(dead.properties.headers?.['x-first-death-reason'], 'maxlen')
    await ch.purgeQueue(`${w.name}dead`)
    const options = {
      maxLength: 1,
      deadLetterExchange: `${w.name}x`,
      arguments: { 'x-overflow': 'reject-publish-dlx' },
    }
    await ch.assertQueue(`${w.name}r`, options)
    assert.deepEqual(await publishMany(ch, `${w.name}r`, 3), [true, false, false])
    await holds(ch, `${w.name}dead`, 2)
    assert.deepEqual(await drain(ch, `${w.name}dead`), ['m1', 'm2'])
  },

  'time to live: of the queue and of the message, the shorter counts': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name, { messageTtl: 150 })
    ch.sendToQueue(w.name, Buffer.from('queue'))
    ch.sendToQueue(w.name, Buffer.from('longer'), { expiration: '60000' })
    await ch.assertQueue(`${w.name}m`)
    ch.sendToQueue(`${w.name}m`, Buffer.from('message'), { expiration: '100' })
    ch.sendToQueue(`${w.name}m`, Buffer.from('stays'))
    await ch.waitForConfirms()
    assert.equal((await ch.checkQueue(w.name)).messageCount, 2)
    await pause(400)
    assert.deepEqual(await drain(ch, w.name), [])
    assert.deepEqual(await drain(ch, `${w.name}m`), ['stays'])
  },

  'dead letters: x-death counts and keeps where they died, newest first': async (w) => {
    const ch = await w.channel()
    // A retry loop: rejected from work, waits in retry, comes back to work.
    await ch.assertQueue(w.name, { deadLetterExchange: '', deadLetterRoutingKey: `${w.name}retry` })
    await ch.assertQueue(`${w.name}retry`, { messageTtl: 50, deadLetterExchange: '', deadLetterRoutingKey: w.name })
    ch.publish('', w.name, Buffer.from('work'), { messageId: 'm', expiration: '30000', headers: { mine: 1 } })
    const inbox = await Inbox.open(ch, w.name)
    for (const round of [1, 2, 3]) {
      await inbox.take(round)
      const message = inbox.messages[round - 1]!
      assert.equal(message.properties.messageId, 'm')
      if (round < 3) ch.reject(message, false)
    }
    const { headers = {}, expiration } = inbox.messages[2]!.properties as {
      headers?: Record<string, unknown> & { 'x-death'?: Death[] }
      expiration?: string
    }
    assert.equal(expiration, undefined)
    assert.equal(headers.mine, 1)
    assert.equal(headers['x-first-death-queue'], w.name)
    assert.equal(headers['x-first-death-reason'], 'rejected')
    assert.equal(headers['x-first-death-exchange'], '')
    const deaths = headers['x-death'] ?? []
    assert.deepEqual(
      deaths.map((d) => [d.queue, d.reason, d.count, d.exchange, d['routing-keys']]),
      [
        [`${w.name}retry`, 'expired', 2, '', [`${w.name}retry`]],
        [w.name, 'rejected', 2, '', [w.name]],
      ],
    )
    assert.equal(typeof deaths[0]!.time['!'], 'string')
    assert.equal(deaths[1]!['original-expiration'], '30000')
  },

  'dead letters to the default exchange, without a key, go where the key leads that they were published with': async (
    w,
  ) => {
    const ch = await w.confirmChannel()
    const [dlx, dead] = [`${w.name}dlx`, `${w.name}dead`]
    await ch.assertExchange(dlx, 'direct')
    await ch.assertQueue(w.name, { deadLetterExchange: dlx, deadLetterRoutingKey: w.name })
    await ch.assertQueue(dead, { messageTtl: 50, deadLetterExchange: '' })
    await ch.bindQueue(dead, dlx, w.name)
    await publishMany(ch, w.name, 1)
    const inbox = await Inbox.open(ch, w.name)
    ch.reject((await inbox.take(1))[0]!, false)
    const deaths = (await inbox.take(2))[1]!.properties.headers?.['x-death'] as Death[]
    assert.deepEqual(
      deaths.map((d) => [d.queue, d.reason, d.exchange, d['routing-keys']]),
      [
        [dead, 'expired', dlx, [w.name]],
        [w.name, 'rejected', '', [w.name]],
      ],
    )
    const full = `${w.name}full`
    await ch.assertQueue(full, {
      maxLength: 0,
      deadLetterExchange: '',
      arguments: { 'x-overflow': 'reject-publish-dlx' },
    })
    await ch.bindQueue(full, dlx, w.name)
    ch.publish(dlx, w.name, Buffer.from('refused'))
    assert.equal(text((await inbox.take(3))[2]!), 'refused')
  },

  'a message that expires round and round in a circle is dropped': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertQueue(w.name, { messageTtl: 20, deadLetterExchange: '' })
    await publishMany(ch, w.name, 1)
    await pause(300)
    await holds(ch, w.name, 0)
  },

  'delivery limit: after so many returns it is dead-lettered': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(`${w.name}dead`)
    await ch.assertQueue(w.name, {
      deadLetterExchange: '',
      deadLetterRoutingKey: `${w.name}dead`,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 },
    })
    ch.sendToQueue(w.name, Buffer.from('poison'))
    const inbox = await Inbox.open(ch, w.name)
    for (const round of [1, 2, 3]) {
      await inbox.take(round)
      const message = inbox.messages[round - 1]!
      assert.equal(message.properties.headers?.['x-delivery-count'], round === 1 ? undefined : round - 1)
      ch.nack(message)
    }
    await holds(ch, `${w.name}dead`, 1)
    const dead = await ch.get(`${w.name}dead`, { noAck: true })
    assert.ok(dead)
    assert.equal(dead.properties.headers?.['x-first-death-reason'], 'delivery_limit')
    assert.deepEqual([dead.fields.exchange, dead.fields.routingKey], ['', `${w.name}dead`])
  },

  'publishing to an exchange that is not there closes the channel, later; the connection goes on': async (w) => {
    const connection = await w.connection()
    const ch = await connection.createConfirmChannel()
    const closed = new Promise<Error>((resolve) => ch.once('error', resolve))
    ch.publish(`${w.name}none`, 'k', Buffer.from('x'), {}, () => undefined)
    assert.match((await closed).message, /404 \(NOT-FOUND\).*no exchange/)
    const other = await connection.createChannel()
    await other.assertQueue(w.name)
  },

  'direct reply-to: an answer without a queue': async (w) => {
    const client = await w.channel()
    const server = await w.channel()
    await server.assertQueue(w.name)
    await server.consume(
      w.name,
      (m) => {
        if (m === null) return
        const { replyTo, correlationId } = m.properties as { replyTo: string; correlationId: string }
        assert.match(replyTo, /^amq\.rabbitmq\.reply-to\./)
        server.sendToQueue(replyTo, Buffer.from(`${text(m)}!`), { correlationId })
      },
      { noAck: true },
    )
    const replies = await Inbox.open(client, 'amq.rabbitmq.reply-to', { noAck: true })
    client.sendToQueue(w.name, Buffer.from('hello'), { replyTo: 'amq.rabbitmq.reply-to', correlationId: '7' })
    await replies.take(1)
    assert.deepEqual(replies.texts, ['hello!'])
    assert.equal(replies.messages[0]!.properties.correlationId, '7')
    await client.cancel(replies.tag)
    client.sendToQueue(w.name, Buffer.from('x'), { replyTo: 'amq.rabbitmq.reply-to' })
    await assert.rejects(client.checkQueue(w.name), /406.*fast reply consumer does not exist/)
  },

  'a queue that is consumed while it is filled loses and doubles nothing': async (w) => {
    const ch = await w.confirmChannel()
    const consumer = await w.channel()
    await ch.assertQueue(w.name)
    await consumer.prefetch(50)
    const seen: string[] = []
    await consumer.consume(w.name, (m) => {
      if (m === null) return
      seen.push(text(m))
      consumer.ack(m)
    })
    for (let round = 0; round < 10; round++)
      assert.ok((await publishMany(ch, w.name, 500, (i) => `${round}-${i}`)).every(Boolean))
    await eventually(() => seen.length >= 5000, 'all consumed')
    assert.equal(new Set(seen).size, 5000)
    assert.equal(seen.length, 5000)
    await holds(ch, w.name, 0)
  },
})
