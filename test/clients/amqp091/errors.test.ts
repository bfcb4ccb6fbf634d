import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, startTestBroker } from '../../support/index.ts'
import {
  RawClient,
  ack,
  bits,
  body,
  consume,
  declareQueue,
  frame,
  header,
  intField,
  longstr,
  method,
  openChannel,
  protocolHeader,
  publish,
  publishMethod,
  shortstr,
  startOk,
  table,
  textField,
  ticket,
  tuneAndOpen,
  u16,
  u32,
} from './raw.ts'

const declareExchange = (exchange: string, type = 'direct', flags = 2, args = table()): Buffer =>
  method(1, 40, 10, ticket, shortstr(exchange), shortstr(type), bits(flags), args)
const bind = (queue: string, exchange: string, key = '', args = table()): Buffer =>
  method(1, 50, 20, ticket, shortstr(queue), shortstr(exchange), shortstr(key), bits(0), args)
const unbind = (queue: string, exchange: string): Buffer =>
  method(1, 50, 50, ticket, shortstr(queue), shortstr(exchange), shortstr(''), table())
const bindExchange = (destination: string, source: string): Buffer =>
  method(1, 40, 30, ticket, shortstr(destination), shortstr(source), shortstr(''), bits(0), table())
const queueMethod = (methodId: number, queue: string, flags = 0): Buffer =>
  method(1, 50, methodId, ticket, shortstr(queue), bits(flags))
const deleteExchange = (exchange: string, flags = 0): Buffer =>
  method(1, 40, 20, ticket, shortstr(exchange), bits(flags))
const expiration = (text: string): Buffer => Buffer.concat([u16(0x0100), shortstr(text)])

const locked = (queue: string): string =>
  `405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally ` +
  'declared on another connection or the exclusive property value does not match that of the original declaration.'

/** What is sent on an open channel 1, and the answer; texts and scopes as RabbitMQ's own. */
const refusals: Record<string, [Buffer, string]> = {
  // queues
  'passive declare of nothing': [
    declareQueue('nope', 1),
    "channel 404 NOT_FOUND - no queue 'nope' in vhost '/' (50.10)",
  ],
  'reserved queue name': [
    declareQueue('amq.foo'),
    "channel 403 ACCESS_REFUSED - queue name 'amq.foo' contains reserved prefix 'amq.*' (50.10)",
  ],
  'another durability': [
    declareQueue('q', 0),
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true' (50.10)",
  ],
  'exclusive now': [declareQueue('q', 6), `channel ${locked('q')} (50.10)`],
  'another ttl': [
    declareQueue('q', 2, table(intField('x-message-ttl', 5))),
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5' of type 'signedint' but current is none (50.10)",
  ],
  'negative ttl': [
    declareQueue('n', 2, table(intField('x-message-ttl', -1))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'n' in vhost '/': {value_negative,-1} (50.10)",
  ],
  'ttl as text': [
    declareQueue('n', 2, table(textField('x-message-ttl', 'a'))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'n' in vhost '/': \"expected integer, got longstr\" (50.10)",
  ],
  'no time to expire': [
    declareQueue('n', 2, table(intField('x-expires', 0))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-expires' for queue 'n' in vhost '/': {value_zero,0} (50.10)",
  ],
  'too many priorities': [
    declareQueue('n', 2, table(intField('x-max-priority', 300))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue 'n' in vhost '/': {max_value_exceeded,300} (50.10)",
  ],
  'unknown overflow': [
    declareQueue('n', 2, table(textField('x-overflow', 'bogus'))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-overflow' for queue 'n' in vhost '/': invalid_overflow (50.10)",
  ],
  'dead letter key alone': [
    declareQueue('n', 2, table(textField('x-dead-letter-routing-key', 'k'))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-dead-letter-routing-key' for queue 'n' in vhost '/': routing_key_but_no_dlx_defined (50.10)",
  ],
  'exclusive quorum queue': [
    declareQueue('n', 6, table(textField('x-queue-type', 'quorum'))),
    "channel 406 PRECONDITION_FAILED - invalid property 'exclusive-owner' for queue 'n' in vhost '/' (50.10)",
  ],
  'unknown queue type': [
    declareQueue('n', 2, table(textField('x-queue-type', 'bogus'))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'n' in vhost '/': \"unsupported queue type 'bogus'\" (50.10)",
  ],
  'purge of nothing': [queueMethod(30, 'nope'), "channel 404 NOT_FOUND - no queue 'nope' in vhost '/' (50.30)"],
  'delete of nothing': [queueMethod(40, 'nope'), '50.41 on 1'],
  'delete in use': [queueMethod(40, 'q', 1), "channel 406 PRECONDITION_FAILED - queue 'q' in vhost '/' in use (50.40)"],
  'bind, no queue declared': [bind('', 'x'), 'channel 404 NOT_FOUND - no previously declared queue (50.20)'],
  'bind to nothing': [bind('q', 'nope'), "channel 404 NOT_FOUND - no exchange 'nope' in vhost '/' (50.20)"],
  'bind of nothing': [bind('nope', 'x'), "channel 404 NOT_FOUND - no queue 'nope' in vhost '/' (50.20)"],
  'bind to the default exchange': [
    bind('q', '', 'k'),
    'channel 403 ACCESS_REFUSED - operation not permitted on the default exchange (50.20)',
  ],
  'bind with a bogus x-match': [
    bind('q', 'amq.headers', '', table(textField('x-match', 'bogus'))),
    'channel 406 PRECONDITION_FAILED - Invalid x-match field value <<"bogus">>; expected all, any, all-with-x, or any-with-x (50.20)',
  ],
  'unbind of nothing': [unbind('q', 'nope'), '50.51 on 1'],
  // of the other connection's exclusive queue
  'declare a locked queue': [declareQueue('mine', 6), `channel ${locked('mine')} (50.10)`],
  'bind a locked queue': [bind('mine', 'x'), `channel ${locked('mine')} (50.20)`],
  'consume a locked queue': [consume('mine'), `channel ${locked('mine')} (60.20)`],
  'get from a locked queue': [
    method(1, 60, 70, ticket, shortstr('mine'), bits(0)),
    `channel ${locked('mine')} (60.70)`,
  ],
  'purge a locked queue': [queueMethod(30, 'mine'), `channel ${locked('mine')} (50.30)`],
  'delete a locked queue': [queueMethod(40, 'mine'), `channel ${locked('mine')} (50.40)`],
  // exchanges
  'unknown exchange type': [
    declareExchange('n', 'bogus'),
    "channel 406 PRECONDITION_FAILED - unknown exchange type 'bogus' (40.10)",
  ],
  'reserved exchange name': [
    declareExchange('amq.zz'),
    "channel 403 ACCESS_REFUSED - exchange name 'amq.zz' contains reserved prefix 'amq.*' (40.10)",
  ],
  'the default exchange': [
    declareExchange(''),
    'channel 403 ACCESS_REFUSED - operation not permitted on the default exchange (40.10)',
  ],
  'passive exchange of nothing': [
    declareExchange('nope', 'direct', 1),
    "channel 404 NOT_FOUND - no exchange 'nope' in vhost '/' (40.10)",
  ],
  'another exchange type': [
    declareExchange('x', 'fanout'),
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but current is 'direct' (40.10)",
  ],
  'another alternate': [
    declareExchange('x', 'direct', 2, table(textField('alternate-exchange', 'ae'))),
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': received the value 'ae' of type 'longstr' but current is none (40.10)",
  ],
  'passive ignores the type': [declareExchange('x', 'fanout', 1), '40.11 on 1'],
  'delete a system exchange': [
    deleteExchange('amq.direct'),
    "channel 403 ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed (40.20)",
  ],
  'delete no exchange': [deleteExchange('nope'), '40.21 on 1'],
  'delete an exchange in use': [
    deleteExchange('x', 1),
    "channel 406 PRECONDITION_FAILED - exchange 'x' in vhost '/' in use (40.20)",
  ],
  'exchange bind from nothing': [
    bindExchange('x', 'nope'),
    "channel 404 NOT_FOUND - no exchange 'nope' in vhost '/' (40.30)",
  ],
  'exchange bind to the default one': [
    bindExchange('', 'x'),
    'channel 403 ACCESS_REFUSED - operation not permitted on the default exchange (40.30)',
  ],
  // basic
  'publish to no exchange': [publish('nope', 'k'), "channel 404 NOT_FOUND - no exchange 'nope' in vhost '/' (60.40)"],
  'publish to an internal exchange': [
    publish('internal', 'k'),
    "channel 403 ACCESS_REFUSED - cannot publish to internal exchange 'internal' in vhost '/' (60.40)",
  ],
  immediate: [publish('x', 'k', 2), 'connection 540 NOT_IMPLEMENTED - immediate=true (60.40)'],
  'expiration in words': [
    publish('', 'q', 0, expiration('abc')),
    "channel 406 PRECONDITION_FAILED - invalid expiration 'abc': no_integer (60.40)",
  ],
  'negative expiration': [
    publish('', 'q', 0, expiration('-1')),
    "channel 406 PRECONDITION_FAILED - invalid expiration '-1': {value_negative,-1} (60.40)",
  ],
  "somebody else's name": [
    publish('', 'q', 0, Buffer.concat([u16(0x0010), shortstr('bob')])),
    "channel 406 PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest' (60.40)",
  ],
  'CC as text': [
    publish('', 'q', 0, Buffer.concat([u16(0x2000), table(textField('CC', 'q'))])),
    'channel 406 PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr} (60.40)',
  ],
  'a body beyond the limit': [
    Buffer.concat([publishMethod('', 'q'), header(1, 200_000_000)]),
    'channel 406 PRECONDITION_FAILED - message size 200000000 is larger than configured max size 134217728 (60.40)',
  ],
  'prefetch in bytes': [
    method(1, 60, 10, u32(5), u16(1), bits(0)),
    'connection 540 NOT_IMPLEMENTED - prefetch_size!=0 (5) (60.10)',
  ],
  'consume of nothing': [consume('nope'), "channel 404 NOT_FOUND - no queue 'nope' in vhost '/' (60.20)"],
  'exclusive consumer, not alone': [
    consume('q', '', 4),
    "channel 403 ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use (60.20)",
  ],
  'consumer priority in words': [
    consume('q', '', 0, table(textField('x-priority', 'a'))),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/': \"expected integer, got longstr\" (60.20)",
  ],
  'reply consumer that acknowledges': [
    consume('amq.rabbitmq.reply-to'),
    'channel 406 PRECONDITION_FAILED - reply consumer cannot acknowledge (60.20)',
  ],
  'get from nothing': [
    method(1, 60, 70, ticket, shortstr('nope'), bits(0)),
    "channel 404 NOT_FOUND - no queue 'nope' in vhost '/' (60.70)",
  ],
  'ack of nothing': [ack(80, 9), 'channel 406 PRECONDITION_FAILED - unknown delivery tag 9 (60.80)'],
  'ack of all, none there': [Buffer.concat([ack(80, 0, 1), method(1, 20, 20, bits(1))]), '20.21 on 1'],
  'nack of nothing': [ack(120, 9), 'channel 406 PRECONDITION_FAILED - unknown delivery tag 9 (60.120)'],
  'reject of nothing': [ack(90, 9), 'channel 406 PRECONDITION_FAILED - unknown delivery tag 9 (60.90)'],
  'recover without requeue': [method(1, 60, 110, bits(0)), 'connection 540 NOT_IMPLEMENTED - requeue=false (60.110)'],
  // channels and frames
  'commit without select': [
    method(1, 90, 20),
    'channel 406 PRECONDITION_FAILED - channel is not transactional (90.20)',
  ],
  'rollback without select': [
    method(1, 90, 30),
    'channel 406 PRECONDITION_FAILED - channel is not transactional (90.30)',
  ],
  'flow stopped': [method(1, 20, 20, bits(0)), 'connection 540 NOT_IMPLEMENTED - active=false (20.20)'],
  'access request of old': [method(1, 30, 10, shortstr('/data'), bits(0)), '30.11 on 1'],
  'channel opened twice': [openChannel(1), "connection 504 CHANNEL_ERROR - second 'channel.open' seen (20.10)"],
  'channel beyond the maximum': [
    openChannel(2048),
    'connection 530 NOT_ALLOWED - number of channels opened (2048) has reached the negotiated channel_max (2047) (20.10)',
  ],
  'channel never opened': [
    declareQueue('q', 2, table(), 2),
    "connection 504 CHANNEL_ERROR - expected 'channel.open' (50.10)",
  ],
  'unknown method': [method(1, 60, 99), 'connection 503 COMMAND_INVALID - unimplemented method (60.99)'],
  'a method of the server': [
    method(1, 60, 21, shortstr('')),
    'connection 503 COMMAND_INVALID - unimplemented method (60.21)',
  ],
  'content header without a method': [
    header(1, 2),
    'connection 505 UNEXPECTED_FRAME - expected method frame, got non method frame instead (0.0)',
  ],
  'body without a header': [
    body(1, 'x'),
    'connection 505 UNEXPECTED_FRAME - expected method frame, got non method frame instead (0.0)',
  ],
  'a method amid content': [
    Buffer.concat([publishMethod('', 'q'), openChannel(1)]),
    'connection 505 UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead (60.40)',
  ],
  'content of another class': [
    Buffer.concat([publishMethod('', 'q'), header(1, 2, u16(0), 50)]),
    'connection 505 UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead (60.40)',
  ],
  'a longer body than promised': [
    Buffer.concat([publishMethod('', 'q'), header(1, 2), body(1, 'abc')]),
    'connection 501 FRAME_ERROR - a body of 2 bytes goes on after its end (60.40)',
  ],
  'a frame without its end': [
    Buffer.from([1, 0, 1, 0, 0, 0, 4, 0, 60, 0, 10, 0]),
    'connection 501 FRAME_ERROR - frame end missing (0.0)',
  ],
  'a frame of unknown type': [
    frame(5, 1, Buffer.from('abc')),
    'connection 501 FRAME_ERROR - type 5: unknown_frame (0.0)',
  ],
  'a frame beyond frame_max': [
    Buffer.from([3, 0, 1, 0, 16, 0, 0, 1]),
    'connection 501 FRAME_ERROR - frame too large (0.0)',
  ],
  'a heartbeat on a channel': [
    frame(8, 1, Buffer.alloc(0)),
    'connection 505 UNEXPECTED_FRAME - heartbeat on a channel (0.0)',
  ],
  'arguments that end early': [
    method(1, 50, 10, ticket, bits(255)),
    'connection 501 FRAME_ERROR - cannot decode: a string of 255 bytes in 0 (50.10)',
  ],
  'arguments that go on': [
    Buffer.concat([method(1, 50, 10, ticket, shortstr('q'), bits(2), table(), Buffer.from('more'))]),
    'connection 501 FRAME_ERROR - cannot decode: 4 bytes behind the arguments of queue.declare (50.10)',
  ],
  'a field of unknown type': [
    declareQueue('q', 2, longstr('\x01aZ')),
    'connection 501 FRAME_ERROR - cannot decode: unknown field type "Z" (50.10)',
  ],
}

test('AMQP 0-9-1: every refusal, its code, its text and what it closes', async (t) => {
  const broker = await startTestBroker(t)
  const port = broker.port('amqp')
  const owner = await RawClient.open(port)
  t.after(() => owner.close())
  const setUp = [
    declareQueue('mine', 6),
    declareQueue('q'),
    declareExchange('x'),
    declareExchange('internal', 'direct', 10),
    bind('q', 'x', 'k'),
    consume('q', 'c'),
  ]
  owner.send(...setUp)
  for (let i = 0; i < setUp.length; i++) await owner.next()
  for (const [name, [sent, expected]] of Object.entries(refusals)) {
    await t.test(name, async () => {
      const client = await RawClient.open(port)
      client.send(sent)
      assert.equal(await client.next(), expected)
      if (expected.startsWith('channel')) {
        // What was under way is swallowed; after close-ok the channel is free, the connection untouched.
        client.send(publish('', 'q'), method(1, 20, 41), openChannel(1), declareQueue('q'))
        assert.equal(await client.next(), '20.11 on 1')
        assert.equal(await client.next(), '50.11 on 1')
      } else if (expected.startsWith('connection')) {
        client.send(method(0, 10, 51))
        assert.equal(await client.next(), 'end')
      }
      await client.close()
    })
  }
  // Nobody else noticed.
  owner.send(declareQueue('mine', 6))
  assert.equal(await owner.next(), '50.11 on 1')
})

test('AMQP 0-9-1: reused consumer tags, a second reply consumer', async (t) => {
  const broker = await startTestBroker(t)
  const client = await RawClient.open(broker.port('amqp'))
  client.send(declareQueue('q'), consume('q', 't'), consume('q', 't'))
  assert.equal(await client.next(), '50.11 on 1')
  assert.equal(await client.next(), '60.21 on 1')
  assert.equal(await client.next(), "connection 530 NOT_ALLOWED - attempt to reuse consumer tag 't' (60.20)")
  await client.close()
  const other = await RawClient.open(broker.port('amqp'))
  other.send(consume('amq.rabbitmq.reply-to', 'a', 2), consume('amq.rabbitmq.reply-to', 'b', 2))
  assert.equal(await other.next(), '60.21 on 1')
  assert.equal(await other.next(), 'channel 406 PRECONDITION_FAILED - reply consumer already set (60.20)')
  await other.close()
})

test('AMQP 0-9-1: the handshake and what is refused in it', async (t) => {
  const broker = await startTestBroker(t)
  const port = broker.port('amqp')
  const expect = async (sent: Buffer[], ...answers: string[]): Promise<void> => {
    const client = new RawClient(port)
    client.send(...sent)
    for (const answer of answers) assert.equal(await client.next(), answer)
    await client.close()
  }
  for (const garbage of [
    'GET / HTTP/1.1\r\n\r\n',
    'AMQP\0\0\x09\x02',
    'AMQP\x03\x01\0\0',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
  ]) {
    await expect([Buffer.from(garbage, 'latin1')], 'protocol header', 'end')
  }
  const refused =
    'connection 403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile. (0.0)'
  await expect([protocolHeader, startOk({ password: 'no' })], '10.10 on 0', refused)
  await expect([protocolHeader, startOk({ password: 'no', told: false })], '10.10 on 0', 'end')
  const open = (handshake: Parameters<typeof tuneAndOpen>[0]): Buffer[] => [
    protocolHeader,
    startOk(),
    tuneAndOpen(handshake),
  ]
  const answered = ['10.10 on 0', '10.30 on 0']
  await expect(open({ vhost: 'nope' }), ...answered, 'connection 530 NOT_ALLOWED - vhost nope not found (10.40)')
  await expect(
    open({ tune: [2047, 200_000, 0] }),
    ...answered,
    'connection 530 NOT_ALLOWED - negotiated frame_max = 200000 is higher than the maximum allowed value (131072) (10.31)',
  )
  await expect(
    open({ tune: [2047, 100, 0] }),
    ...answered,
    'connection 530 NOT_ALLOWED - negotiated frame_max = 100 is lower than the minimum allowed value (4096) (10.31)',
  )
  await expect(
    [protocolHeader, openChannel(1)],
    '10.10 on 0',
    'connection 505 UNEXPECTED_FRAME - a channel before connection.open (20.10)',
  )
  await expect(
    [...open({}), method(0, 10, 40, shortstr('/'), shortstr(''), bits(0))],
    ...answered,
    '10.41 on 0',
    'connection 503 COMMAND_INVALID - connection.open is not for channel 0 now (10.40)',
  )
})

test('AMQP 0-9-1: everything pipelined in one packet, from the header to the close', async (t) => {
  const broker = await startTestBroker(t)
  const client = new RawClient(broker.port('amqp'))
  client.send(
    protocolHeader,
    startOk(),
    tuneAndOpen(),
    openChannel(1),
    method(1, 85, 10, bits(0)),
    declareQueue('p'),
    publish('', 'p'),
    publish('', 'p'),
    publish('', 'none', 1),
    consume('p', 'c', 2),
    method(1, 20, 40, u16(200), shortstr(''), u16(0), u16(0)),
    openChannel(1),
    method(0, 10, 50, u16(200), shortstr(''), u16(0), u16(0)),
  )
  const seen: string[] = []
  for (let answer = ''; answer !== 'end' && answer !== 'silence'; seen.push(answer)) answer = await client.next()
  const confirms = seen.filter((answer) => answer === '60.80 on 1')
  assert.ok(confirms.length >= 1 && confirms.length <= 3)
  const steps = seen.filter((answer) => !/^(60\.80|60\.60|header|body)/.test(answer))
  assert.deepEqual(steps, [
    '10.10 on 0',
    '10.30 on 0',
    '10.41 on 0',
    '20.11 on 1',
    '85.11 on 1',
    '50.11 on 1',
    '60.50 on 1',
    '60.21 on 1',
    '20.41 on 1',
    '20.11 on 1',
    '10.51 on 0',
    'end',
  ])
})

test('AMQP 0-9-1: byte by byte it is the same conversation', async (t) => {
  const broker = await startTestBroker(t)
  const client = new RawClient(broker.port('amqp'))
  client.socket.setNoDelay(true)
  const all = Buffer.concat([
    protocolHeader,
    startOk(),
    tuneAndOpen(),
    openChannel(1),
    declareQueue('b'),
    publish('', 'b'),
    declareQueue('b', 1),
  ])
  for (let i = 0; i < all.length; i += 3) {
    client.send(all.subarray(i, i + 3))
    if (i % 30 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const answer of ['10.10 on 0', '10.30 on 0', '10.41 on 0', '20.11 on 1', '50.11 on 1', '50.11 on 1']) {
    assert.equal(await client.next(), answer)
  }
  await client.close()
})

test('AMQP 0-9-1: heartbeats come when nothing else does, and silence ends the connection', async (t) => {
  const broker = await startTestBroker(t, { log: 'error' })
  const client = await RawClient.open(broker.port('amqp'), { tune: [0x7ff, 131_072, 1] })
  const started = Date.now()
  const seen = new Set<string>()
  for (let answer = ''; answer !== 'end' && answer !== 'silence'; seen.add(answer)) answer = await client.next(5000)
  assert.deepEqual([...seen], ['heartbeat 0', 'end'])
  const lived = Date.now() - started
  assert.ok(lived > 1800 && lived < 4500, `${lived} ms`)
})

test('AMQP 0-9-1: random bytes after a good start disturb nobody', async (t) => {
  const broker = await startTestBroker(t, { log: 'error' })
  const port = broker.port('amqp')
  const witness = await RawClient.open(port)
  let seed = 42
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) >> 8
  for (let round = 0; round < 60; round++) {
    const client = round % 2 === 0 ? new RawClient(port) : await RawClient.open(port)
    const noise = Buffer.from(Array.from({ length: 400 }, () => random() & 255))
    // Half of them well framed, with random payloads.
    client.send(round % 4 === 3 ? frame(1 + (random() % 3), 1, noise) : noise)
    // An answer, an end or waiting for more: anything but a crash.
    await client.next(40)
    await client.close()
  }
  witness.send(declareQueue('still'))
  assert.equal(await witness.next(), '50.11 on 1')
  await witness.close()
  await eventually(() => true, 'done')
})
