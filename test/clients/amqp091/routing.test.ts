import assert from 'node:assert/strict'
import type { Channel } from 'amqplib'
import { cases, drain, holds, text } from './support.ts'

const publishAll = async (channel: Channel, exchange: string, keys: readonly string[]): Promise<void> => {
  for (const key of keys) channel.publish(exchange, key, Buffer.from(key))
  // One more round trip on the channel: all that was published before is routed.
  await channel.checkExchange(exchange)
}

cases('AMQP 0-9-1 routing, with amqplib', {
  'direct: by equal keys, wildcards are literal': async (w) => {
    const ch = await w.channel()
    await ch.assertExchange(w.name, 'direct')
    await ch.assertQueue(w.name)
    for (const key of ['a', 'a.b', '*', '#', '']) await ch.bindQueue(w.name, w.name, key)
    await publishAll(ch, w.name, ['a', 'b', 'a.b', 'a.c', '*', '#', 'x.*', ''])
    assert.deepEqual(await drain(ch, w.name), ['a', 'a.b', '*', '#', ''])
  },

  'fanout: to all, once': async (w) => {
    const ch = await w.channel()
    await ch.assertExchange(w.name, 'fanout')
    for (const queue of [`${w.name}a`, `${w.name}b`]) {
      await ch.assertQueue(queue)
      await ch.bindQueue(queue, w.name, 'k1')
      await ch.bindQueue(queue, w.name, 'k2')
    }
    await publishAll(ch, w.name, ['x', 'k1', ''])
    for (const queue of [`${w.name}a`, `${w.name}b`]) assert.deepEqual(await drain(ch, queue), ['x', 'k1', ''])
  },

  'topic: * is one word, # any number, empty words count': async (w) => {
    const ch = await w.channel()
    await ch.assertExchange(w.name, 'topic')
    const keys = ['a', 'a.b', 'a.b.c', 'b', '', '.', 'a.', '.a', 'x.y.z.c', '#', 'a.#']
    const expected: Record<string, string[]> = {
      '#': keys,
      '*': ['a', 'b', '#'],
      'a.*': ['a.b', 'a.', 'a.#'],
      'a.#': ['a', 'a.b', 'a.b.c', 'a.', 'a.#'],
      '#.c': ['a.b.c', 'x.y.z.c'],
      '*.*': ['a.b', '.', 'a.', '.a', 'a.#'],
      '#.a.#': ['a', 'a.b', 'a.b.c', 'a.', '.a', 'a.#'],
      'a.b': ['a.b'],
      '*.#': keys.filter((key) => key !== ''),
    }
    for (const pattern of Object.keys(expected)) {
      await ch.assertQueue(`${w.name} ${pattern}`)
      await ch.bindQueue(`${w.name} ${pattern}`, w.name, pattern)
    }
    await publishAll(ch, w.name, keys)
    for (const [pattern, got] of Object.entries(expected)) {
      assert.deepEqual(await drain(ch, `${w.name} ${pattern}`), got, pattern)
    }
  },

  'headers: all, any, void values, numbers by value, x- names': async (w) => {
    const ch = await w.channel()
    await ch.assertExchange(w.name, 'headers')
    const bind = async (queue: string, args: object): Promise<void> => {
      await ch.assertQueue(w.name + queue)
      await ch.bindQueue(w.name + queue, w.name, '', args)
    }
    await bind('all', { 'x-match': 'all', a: 1, b: 'two' })
    await bind('any', { 'x-match': 'any', a: 1, b: 'two' })
    await bind('default', { a: 1 })
    await bind('exists', { b: undefined, c: null })
    await bind('x', { 'x-match': 'any-with-x', 'x-y': 'z' })
    await bind('none', { 'x-match': 'any', 'x-y': 'z' })
    const rare = {
      list: [1, 'a', { deep: true }],
      table: { a: 1, b: ['x'] },
      decimal: { '!': 'decimal', value: { digits: 125, places: 2 } },
      bytes: Buffer.from('ä'),
    }
    await bind('rare', rare)
    const send = (name: string, headers: object): boolean => ch.publish(w.name, '', Buffer.from(name), { headers })
    send('both', { a: 1, b: 'two', more: true })
    send('one', { a: 1 })
    send('other', { b: 'two', c: 'anything' })
    send('text', { a: '1' })
    send('x', { 'x-y': 'z' })
    send('rare', rare)
    send('rarer', { ...rare, list: [1, 'a', { deep: false }] })
    await ch.checkExchange(w.name)
    assert.deepEqual(await drain(ch, `${w.name}all`), ['both'])
    assert.deepEqual(await drain(ch, `${w.name}any`), ['both', 'one', 'other'])
    assert.deepEqual(await drain(ch, `${w.name}default`), ['both', 'one'])
    assert.deepEqual(await drain(ch, `${w.name}exists`), ['other'])
    assert.deepEqual(await drain(ch, `${w.name}x`), ['x'])
    assert.deepEqual(await drain(ch, `${w.name}none`), [])
    assert.deepEqual(await drain(ch, `${w.name}rare`), ['rare'])
  },

  'the default exchange leads to the queue of that name, predeclared exchanges are there': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    ch.sendToQueue(w.name, Buffer.from('default'))
    for (const exchange of ['amq.direct', 'amq.fanout', 'amq.topic', 'amq.headers', 'amq.match']) {
      await ch.bindQueue(w.name, exchange, w.name)
      await publishAll(ch, exchange, [w.name])
      await ch.unbindQueue(w.name, exchange, w.name)
      await publishAll(ch, exchange, [w.name])
    }
    assert.deepEqual(await drain(ch, w.name), ['default', ...Array<string>(5).fill(w.name)])
  },

  'exchange to exchange, also in a circle: one copy, key and exchange as published': async (w) => {
    const ch = await w.channel()
    const [a, b, c] = [`${w.name}a`, `${w.name}b`, `${w.name}c`]
    await ch.assertExchange(a, 'topic')
    await ch.assertExchange(b, 'direct')
    await ch.assertExchange(c, 'fanout')
    await ch.bindExchange(b, a, '#.go')
    await ch.bindExchange(c, b, 'x.go')
    await ch.bindExchange(a, c, '')
    await ch.assertQueue(w.name)
    await ch.bindQueue(w.name, b, 'x.go')
    await ch.bindQueue(w.name, c, '')
    await publishAll(ch, a, ['x.go', 'y.go', 'x.stop'])
    const message = await ch.get(w.name, { noAck: true })
    assert.ok(message)
    assert.equal(text(message), 'x.go')
    assert.deepEqual([message.fields.exchange, message.fields.routingKey], [a, 'x.go'])
    assert.deepEqual(await drain(ch, w.name), [])
    await ch.unbindExchange(b, a, '#.go')
    await publishAll(ch, a, ['x.go'])
    assert.deepEqual(await drain(ch, w.name), [])
  },

  'an alternate exchange gets what found nothing, and satisfies mandatory': async (w) => {
    const ch = await w.confirmChannel()
    const returned: string[] = []
    ch.on('return', (message: { content: Buffer }) => returned.push(text(message)))
    await ch.assertExchange(`${w.name}ae`, 'fanout')
    await ch.assertExchange(w.name, 'direct', { alternateExchange: `${w.name}ae` })
    await ch.assertQueue(w.name)
    await ch.assertQueue(`${w.name}rest`)
    await ch.bindQueue(w.name, w.name, 'known')
    await ch.bindQueue(`${w.name}rest`, `${w.name}ae`, '')
    for (const key of ['known', 'unknown']) ch.publish(w.name, key, Buffer.from(key), { mandatory: true })
    await ch.waitForConfirms()
    assert.deepEqual(await drain(ch, w.name), ['known'])
    assert.deepEqual(await drain(ch, `${w.name}rest`), ['unknown'])
    assert.deepEqual(returned, [])
    await ch.unbindQueue(`${w.name}rest`, `${w.name}ae`, '')
    ch.publish(w.name, 'unknown', Buffer.from('lost'), { mandatory: true })
    await ch.waitForConfirms()
    assert.deepEqual(returned, ['lost'])
  },

  'CC and BCC: more keys, one copy for each queue, BCC is not shown': async (w) => {
    const ch = await w.channel()
    for (const queue of ['a', 'b', 'c']) await ch.assertQueue(w.name + queue)
    ch.publish('', `${w.name}a`, Buffer.from('m'), { CC: [`${w.name}b`, `${w.name}a`], BCC: `${w.name}c` })
    await ch.checkQueue(`${w.name}a`)
    for (const queue of ['a', 'b', 'c']) {
      const message = await ch.get(w.name + queue, { noAck: true })
      assert.ok(message, queue)
      assert.deepEqual(message.properties.headers, { CC: [`${w.name}b`, `${w.name}a`] })
      assert.equal(await ch.get(w.name + queue, { noAck: true }), false)
    }
    await ch.assertExchange(w.name, 'topic')
    await ch.bindQueue(`${w.name}a`, w.name, 'x')
    await ch.bindQueue(`${w.name}b`, w.name, 'y')
    ch.publish(w.name, 'x', Buffer.from('m'), { CC: 'y' })
    await ch.checkExchange(w.name)
    assert.deepEqual(await drain(ch, `${w.name}a`), ['m'])
    assert.deepEqual(await drain(ch, `${w.name}b`), ['m'])
  },

  'x-delayed-message: routed when the delay is over, by the type that the argument says': async (w) => {
    const ch = await w.confirmChannel()
    const delayed = { arguments: { 'x-delayed-type': 'topic' } }
    await ch.assertExchange(w.name, 'x-delayed-message', delayed)
    await ch.assertExchange(w.name, 'x-delayed-message', delayed)
    await assert.rejects((await w.channel()).assertExchange(w.name, 'topic', delayed), /406.*inequivalent arg 'type'/)
    await assert.rejects((await w.channel()).assertExchange(`${w.name}x`, 'x-delayed-message'), /406.*x-delayed-type/)
    await ch.assertQueue(w.name)
    await ch.bindQueue(w.name, w.name, 'a.*')
    for (const [body, delay] of [
      ['late', 600],
      ['soon', 200],
      ['now', 0],
      ['none', undefined],
    ] as const) {
      ch.publish(w.name, 'a.b', Buffer.from(body), delay === undefined ? {} : { headers: { 'x-delay': delay } })
    }
    await ch.waitForConfirms()
    assert.deepEqual(await drain(ch, w.name), ['now', 'none'])
    await holds(ch, w.name, 2)
    assert.deepEqual(await drain(ch, w.name), ['soon', 'late'])
  },

  'x-delayed-message: the time to live begins when the delay is over': async (w) => {
    const ch = await w.confirmChannel()
    await ch.assertExchange(w.name, 'x-delayed-message', { arguments: { 'x-delayed-type': 'topic' } })
    await ch.assertQueue(w.name)
    await ch.bindQueue(w.name, w.name, '#')
    ch.publish(w.name, 'a', Buffer.from('late'), { headers: { 'x-delay': 500 }, expiration: '300' })
    await ch.waitForConfirms()
    const got = new Promise<string>((resolve) => {
      void ch.consume(w.name, (message) => resolve(message!.content.toString()), { noAck: true })
    })
    assert.equal(await got, 'late')
  },

  'auto-delete exchanges go with their last binding; internal ones take no publish': async (w) => {
    const ch = await w.channel()
    await ch.assertExchange(w.name, 'fanout', { autoDelete: true })
    await ch.assertQueue(w.name)
    await ch.bindQueue(w.name, w.name, '')
    await ch.unbindQueue(w.name, w.name, '')
    await assert.rejects((await w.channel()).checkExchange(w.name), /404 \(NOT-FOUND\)/)
    await ch.assertExchange(`${w.name}i`, 'fanout', { internal: true })
    const other = await w.channel()
    other.publish(`${w.name}i`, '', Buffer.from('x'))
    await assert.rejects(other.checkExchange(`${w.name}i`), /403 \(ACCESS-REFUSED\).*internal exchange/)
  },

  'deleting: missing is fine, in use is not': async (w) => {
    const ch = await w.channel()
    await ch.deleteExchange(`${w.name}none`)
    await ch.deleteQueue(`${w.name}none`)
    await ch.assertExchange(w.name, 'direct')
    await ch.assertQueue(w.name)
    await ch.bindQueue(w.name, w.name, 'k')
    await assert.rejects((await w.channel()).deleteExchange(w.name, { ifUnused: true }), /406.*in use/)
    await ch.deleteExchange(w.name)
    await assert.rejects((await w.channel()).checkExchange(w.name), /404/)
    // The binding went with it.
    await ch.assertExchange(w.name, 'direct')
    await publishAll(ch, w.name, ['k'])
    assert.deepEqual(await drain(ch, w.name), [])
  },
})
