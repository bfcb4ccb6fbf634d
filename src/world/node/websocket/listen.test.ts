import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import type { Accept, Connection, Listening } from '../../net.ts'
import { lingerMs } from '../tcp.ts'
import { listenWebSocket } from './listen.ts'

const terms = { path: '/mqtt', subprotocols: ['mqtt'] }

/** What the server's side of one connection heard; it says nothing by itself. */
interface Heard {
  bytes: Buffer[]
  flushes: number
  closed: string[]
  connection: Connection
}

async function listen(t: TestContext, received?: (connection: Connection, chunk: Buffer) => void) {
  const all: Heard[] = []
  const accept: Accept = (connection) => {
    const heard: Heard = { bytes: [], flushes: 0, closed: [], connection }
    all.push(heard)
    return {
      received: (chunk) => {
        heard.bytes.push(Buffer.from(chunk))
        received?.(connection, chunk)
      },
      flushed: () => heard.flushes++,
      ended: () => connection.end(),
      closed: (error) => void heard.closed.push(error ?? ''),
    }
  }
  const opened = await listenWebSocket({ host: '127.0.0.1', port: 0 }, terms, accept)
  assert.ok('ok' in opened)
  // It waits for the connections, which the test ends later.
  t.after(() => void opened.ok.close())
  return { all, listening: opened.ok }
}

async function open(t: TestContext, { bound }: Listening, path = '/mqtt', protocols = ['mqtt']): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${bound.port}${path}`, protocols)
  t.after(() => client.terminate())
  await once(client, 'open')
  return client
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const handshake = [
  'GET /mqtt HTTP/1.1',
  'Host: here',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: chat, mqtt',
]

/** Speaks by hand. */
function raw(
  t: TestContext,
  { bound }: Listening,
  request: readonly string[] = handshake,
  behind: Uint8Array = Buffer.alloc(0),
): { socket: Socket; text: () => string } {
  const socket = connect(bound.port, bound.host)
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  socket.write(Buffer.concat([Buffer.from([...request, '', ''].join('\r\n')), behind]))
  return { socket, text: () => text }
}

/** A frame with a mask of zeros. */
function frame(first: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload)
  return Buffer.concat([Buffer.from([first, 0x80 | body.length, 0, 0, 0, 0]), body])
}

test('a byte stream over binary messages, both ways, and the end is told once', async (t) => {
  const { all, listening } = await listen(t, (connection, chunk) =>
    connection.send([chunk.subarray(0, 1), chunk.subarray(1)]),
  )
  const client = await open(t, listening)
  assert.equal(client.protocol, 'mqtt')
  assert.match(all[0]!.connection.address, /^127\.0\.0\.1:\d+$/)
  client.send(Buffer.from('hello'))
  const [answer, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
  assert.equal(answer.toString(), 'hello')
  assert.equal(isBinary, true)
  client.close(1000, 'bye')
  const [code] = (await once(client, 'close')) as [number]
  assert.equal(code, 1000)
  await until(() => all[0]!.closed.length > 0)
  assert.deepEqual(all[0]!.closed, [''])
  assert.ok(all[0]!.flushes > 0)
})

test('megabytes come back as they were, in messages of 64 KiB', async (t) => {
  const { listening } = await listen(t, (connection, chunk) => connection.send([chunk]))
  const client = await open(t, listening)
  const sent = randomBytes(3_000_001)
  const back: Buffer[] = []
  let bytes = 0
  client.on('message', (data: Buffer) => {
    back.push(data)
    bytes += data.length
  })
  client.send(sent.subarray(0, 1_000_000))
  client.send(sent.subarray(1_000_000, 1_000_001))
  client.send(sent.subarray(1_000_001))
  await until(() => bytes === sent.length)
  assert.ok(Buffer.concat(back).equals(sent))
  assert.ok(back.every(({ length }) => length <= 65536))
})

test('a chunk larger than a message goes out in several', async (t) => {
  const large = randomBytes(200_000)
  const { listening } = await listen(t, (connection) => connection.send([Buffer.from('a'), large, Buffer.from('z')]))
  const client = await open(t, listening)
  const lengths: number[] = []
  const back: Buffer[] = []
  client.on('message', (data: Buffer) => {
    lengths.push(data.length)
    back.push(data)
  })
  client.send(Buffer.from('x'))
  await until(() => Buffer.concat(back).length === 200_002)
  assert.deepEqual(lengths, [65536, 65536, 65536, 200_002 - 3 * 65536])
  assert.ok(Buffer.concat(back).equals(Buffer.concat([Buffer.from('a'), large, Buffer.from('z')])))
})

test('what the first bytes of a frame announce is handed on as it comes, however long it is', async (t) => {
  const { all, listening } = await listen(t)
  const { socket, text } = raw(t, listening)
  await until(() => text().includes('\r\n\r\n'))
  // 2^40 bytes, with a mask of zeros
  socket.write(Buffer.from('82ff0000010000000000000000006f6e6520', 'hex'))
  await until(() => all[0]!.bytes.length > 0)
  socket.write('two')
  await until(() => Buffer.concat(all[0]!.bytes).length === 7)
  assert.equal(Buffer.concat(all[0]!.bytes).toString(), 'one two')
})

test('the handshake: what it answers, and bytes that come with it', async (t) => {
  const { all, listening } = await listen(t)
  const { text } = raw(t, listening, handshake, frame(0x82, 'early'))
  await until(() => text().includes('\r\n\r\n') && all[0]!.bytes.length > 0)
  assert.equal(Buffer.concat(all[0]!.bytes).toString(), 'early')
  // RFC 6455, 1.3: the answer to this key.
  const key = Buffer.from('b37a4f2cc0624f1690f64606cf385945b2bec4ea', 'hex').toString('base64')
  const [status, ...headers] = text().split('\r\n')
  assert.match(status!, /^HTTP\/1\.1 101 /)
  assert.deepEqual(headers.slice(2), [`Sec-WebSocket-Accept: ${key}`, 'Sec-WebSocket-Protocol: mqtt', '', ''])
})

const without = (name: string): string[] => handshake.filter((line) => !line.startsWith(name))

for (const [what, request, status] of [
  ['another path', ['GET /other HTTP/1.1', ...handshake.slice(1)], '404'],
  ['another method', ['PUT /mqtt HTTP/1.1', ...handshake.slice(1)], '405'],
  ['another protocol than WebSocket', [...without('Upgrade:'), 'Upgrade: h2c'], '400'],
  ['another version', [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 7'], '426'],
  ['no version', without('Sec-WebSocket-Version'), '426'],
  ['no key', without('Sec-WebSocket-Key'), '400'],
  ['a short key', [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: abc='], '400'],
  ['another subprotocol', [...without('Sec-WebSocket-Protocol'), 'Sec-WebSocket-Protocol: chat'], '400'],
  ['no subprotocol', without('Sec-WebSocket-Protocol'), '400'],
  ['no upgrade', without('Upgrade'), '426'],
  ['a body', [...handshake, 'Content-Length: 5'], '400'],
  ['a body in chunks', [...handshake, 'Transfer-Encoding: chunked'], '400'],
] as const) {
  test(`the handshake refuses ${what}`, async (t) => {
    const { all, listening } = await listen(t)
    const { socket, text } = raw(t, listening, request)
    await once(socket, 'end')
    assert.match(text(), new RegExp(`^HTTP/1\\.1 ${status} `))
    assert.equal(all.length, 0)
  })
}

test('who was refused and stays is cut off', async (t) => {
  const { listening } = await listen(t)
  const socket = connect({ port: listening.bound.port, host: listening.bound.host, allowHalfOpen: true })
  t.after(() => socket.destroy())
  socket.write([...without('Sec-WebSocket-Key'), '', ''].join('\r\n'))
  socket.on('data', () => undefined)
  let failed = false
  socket.on('error', () => (failed = true))
  const began = Date.now()
  // It never ends its own side, so it can only notice by writing.
  const timer = setInterval(() => socket.write('x'), 50)
  t.after(() => clearInterval(timer))
  await until(() => failed || Date.now() - began > lingerMs + 3_000)
  assert.equal(failed, true)
})

for (const [what, bytes, code, broken] of [
  ['text', frame(0x81, 'text'), 1003, 'binary only'],
  ['a frame without a mask', Buffer.from('820161', 'hex'), 1002, 'frame of a client without a mask'],
  ['reserved bits', frame(0xc2, 'a'), 1002, 'reserved bits are set'],
  ['an unknown opcode', frame(0x83, 'a'), 1002, 'unknown opcode 3'],
  ['an unknown control frame', frame(0x8b, 'a'), 1002, 'unknown opcode 11'],
  ['a ping in parts', frame(0x09, 'a'), 1002, 'control frame in parts, or too long'],
  ['a long ping', Buffer.from('89fe007e00000000', 'hex'), 1002, 'control frame in parts, or too long'],
  ['a continuation of nothing', frame(0x80, 'a'), 1002, 'frame out of order in a fragmented message'],
  [
    'a message within a message',
    Buffer.concat([frame(0x02, 'a'), frame(0x82, 'b')]),
    1002,
    'frame out of order in a fragmented message',
  ],
  ['a length of 64 bits', Buffer.from('82ff800000000000000000000000', 'hex'), 1002, 'length of 64 bits'],
  ['a close code of one byte', frame(0x88, 'a'), 1002, 'close frame without a valid code'],
  [
    'a close code that nobody may send',
    frame(0x88, Buffer.from('03ed', 'hex')),
    1002,
    'close frame without a valid code',
  ],
] as const) {
  test(`ends the connection: ${what}`, async (t) => {
    const { all, listening } = await listen(t)
    const { socket, text } = raw(t, listening)
    await until(() => text().includes('\r\n\r\n'))
    socket.write(bytes)
    socket.write(frame(0x82, 'later'))
    await once(socket, 'end')
    const answer = Buffer.from(text().split('\r\n\r\n')[1]!, 'latin1')
    assert.equal(answer[0], 0x88)
    assert.equal(answer.readUInt16BE(2), code)
    assert.equal(answer.subarray(4).toString(), broken)
    socket.end()
    await until(() => all[0]!.closed.length > 0)
    assert.deepEqual(all[0]!.closed, [broken])
    assert.ok(!Buffer.concat(all[0]!.bytes).includes('later'))
  })
}

test('a ping is answered within a message, and a close without a code with one without', async (t) => {
  const { all, listening } = await listen(t)
  const { socket, text } = raw(t, listening)
  await until(() => text().includes('\r\n\r\n'))
  socket.write(
    Buffer.concat([frame(0x02, 'a'), frame(0x89, 'ping'), frame(0x8a, 'pong'), frame(0x80, 'b'), frame(0x88, '')]),
  )
  await once(socket, 'end')
  assert.equal(text().split('\r\n\r\n')[1], '\x8a\x04ping\x88\x00')
  assert.equal(Buffer.concat(all[0]!.bytes).toString(), 'ab')
})

test('many small frames of one chunk are handed on together, and their pings answered once', async (t) => {
  const { all, listening } = await listen(t)
  const { socket, text } = raw(t, listening)
  await until(() => text().includes('\r\n\r\n'))
  const small = Array.from({ length: 1000 }, (_, i) => [frame(0x82, String(i % 10)), frame(0x89, String(i % 10))])
  socket.write(Buffer.concat(small.flat()))
  await until(() => Buffer.concat(all[0]!.bytes).length === 1000)
  assert.equal(Buffer.concat(all[0]!.bytes).toString(), '0123456789'.repeat(100))
  assert.ok(all[0]!.bytes.length <= 20, `${all[0]!.bytes.length} pieces`)
  await until(() => text().endsWith('\x8a\x019'))
  assert.ok(text().split('\r\n\r\n')[1]!.length <= 20 * 3)
})

test('a close waits until what came before it is taken', async (t) => {
  const { all, listening } = await listen(t, (connection) => connection.pause())
  const { socket, text } = raw(t, listening)
  await until(() => text().includes('\r\n\r\n'))
  socket.write(Buffer.concat([frame(0x82, 'a'), frame(0x82, 'b'), frame(0x88, '')]))
  await until(() => all[0]!.bytes.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(all[0]!.closed, [])
  const { connection } = all[0]!
  connection.resume()
  connection.pause()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(all[0]!.closed, [])
  connection.resume()
  await once(socket, 'close')
  assert.equal(text().split('\r\n\r\n')[1], '\x88\x00')
  await until(() => all[0]!.closed.length > 0)
  assert.deepEqual(all[0]!.closed, [''])
})

test('a flood of pings from who does not read is answered in the end, and not kept', async (t) => {
  const { all, listening } = await listen(t)
  const { socket, text } = raw(t, listening)
  await until(() => text().includes('\r\n\r\n'))
  socket.pause()
  // So much that the systems between take no more of it.
  all[0]!.connection.send([Buffer.alloc(32 * 1024 * 1024)])
  const before = all[0]!.connection.buffered
  assert.ok(before > 0)
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(0x89, 'p'.repeat(125))))
  for (let i = 0; i < 20; i++) socket.write(pings)
  socket.write(Buffer.concat([frame(0x89, 'last'), frame(0x82, 'now')]))
  await until(() => all[0]!.bytes.length > 0)
  assert.ok(all[0]!.connection.buffered <= before)
  socket.resume()
  await until(() => text().endsWith('\x8a\x04last'))
})

test('the server ends it: a close frame after all that was sent, and no patience without an answer', async (t) => {
  const { all, listening } = await listen(t)
  const client = await open(t, listening)
  const back: Buffer[] = []
  client.on('message', (data: Buffer) => back.push(data))
  const { connection } = all[0]!
  connection.send([Buffer.alloc(1_000_000)])
  connection.end()
  const [code] = (await once(client, 'close')) as [number]
  assert.equal(code, 1000)
  assert.equal(Buffer.concat(back).length, 1_000_000)
  await until(() => all[0]!.closed.length > 0)
  assert.deepEqual(all[0]!.closed, [''])

  const silent = raw(t, listening)
  await until(() => all.length === 2)
  all[1]!.connection.end()
  await once(silent.socket, 'close')
  await until(() => all[1]!.closed.length > 0)
})

test('the client ends it without a close frame, in the middle of a message', async (t) => {
  const { all, listening } = await listen(t)
  const { socket, text } = raw(t, listening)
  await until(() => text().includes('\r\n\r\n'))
  socket.end(Buffer.from('82880000000061', 'hex'))
  await once(socket, 'close')
  await until(() => all[0]!.closed.length > 0)
  assert.deepEqual(all[0]!.closed, [''])
  assert.equal(Buffer.concat(all[0]!.bytes).toString(), 'a')
})

test('while paused nothing is read, and nothing is lost', async (t) => {
  const { all, listening } = await listen(t)
  const client = await open(t, listening)
  client.send(Buffer.from('one'))
  await until(() => all[0]!.bytes.length > 0)
  all[0]!.connection.pause()
  const sent = randomBytes(8_000_000)
  client.send(sent)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(Buffer.concat(all[0]!.bytes).length < 1_000_000)
  all[0]!.connection.resume()
  await until(() => Buffer.concat(all[0]!.bytes).length === sent.length + 3)
  assert.ok(Buffer.concat(all[0]!.bytes).subarray(3).equals(sent))
})
