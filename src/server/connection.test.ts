import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../world/index.ts'
import { ClientConnection, type ConnectionHost } from './connection.ts'
import { newListenerMetrics } from './metrics.ts'
import type { CloseReason, Session } from './protocol.ts'
import { TurnEnd } from './turn.ts'

/** A connection, a session and a turn that the test ends by hand. */
function setUp(session: Partial<Session> = {}) {
  const turns: (() => void)[] = []
  const sent: string[][] = []
  const calls: string[] = []
  const socket: Connection & { buffered: number } = {
    address: '127.0.0.1:1',
    local: true,
    buffered: 0,
    send: (chunks) => void sent.push(chunks.map((chunk) => Buffer.from(chunk).toString())),
    pause: () => void calls.push('socket pause'),
    resume: () => void calls.push('socket resume'),
    end: () => void calls.push('socket end'),
    destroy: () => void calls.push('socket destroy'),
  }
  const host: ConnectionHost = {
    limits: { outputBytesHigh: 10, outputBytesMax: 100 },
    turnEnd: new TurnEnd({ after: () => ({ cancel: () => undefined }), endOfTurn: (run) => void turns.push(run) }),
    metrics: newListenerMetrics(),
    failed: (connection, error) => {
      calls.push(`failed ${String(error)}`)
      connection.drop('error')
    },
    closed: () => void calls.push('host closed'),
  }
  const client = new ClientConnection(socket, host, 0)
  client.serve({
    receive: (chunk) => void calls.push(`receive ${chunk.toString()}`),
    drained: () => void calls.push('drained'),
    closed: (reason: CloseReason) => void calls.push(`closed ${reason}`),
    stop: () => void calls.push('stop'),
    ...session,
  })
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run()
  }
  return { client, socket, sent, calls, endTurn, host }
}

const bytes = (text: string): Buffer => Buffer.from(text)

test('the writes of one turn go out as one', () => {
  const { client, sent, endTurn } = setUp()
  client.write(bytes('ab'))
  client.write(bytes('cd'))
  assert.deepEqual(sent, [])
  endTurn()
  assert.deepEqual(sent, [['abcd']])
})

test('write says false above the mark, and drained follows once when all is sent', () => {
  const { client, calls, endTurn, socket } = setUp()
  assert.equal(client.write(bytes('0123456789')), true)
  assert.equal(client.write(bytes('x')), false)
  socket.buffered = 11
  endTurn()
  assert.deepEqual(calls, [])
  socket.buffered = 0
  client.flushed()
  client.flushed()
  assert.deepEqual(calls, ['drained'])
})

test('a client that does not read is dropped when too much is unsent', () => {
  const { client, calls, host } = setUp()
  for (let count = 0; count < 12; count++) client.write(bytes('0123456789'))
  assert.ok(calls.includes('socket destroy'))
  assert.equal(host.metrics.slowConsumers, 1)
})

test('close sends what was written first, and nothing after', () => {
  const { client, sent, calls, endTurn } = setUp()
  client.write(bytes('bye'))
  client.close('server')
  assert.equal(client.write(bytes('more')), false)
  client.received(bytes('late'))
  endTurn()
  assert.deepEqual(sent, [['bye']])
  client.closed(undefined)
  client.closed(undefined)
  assert.deepEqual(calls, ['socket end', 'closed server', 'host closed'])
})

test('the reason of a close: the client went away, or the connection broke', () => {
  for (const [error, reason] of [
    [undefined, 'client'],
    ['reset', 'error'],
  ] as const) {
    const { client, calls } = setUp()
    client.closed(error)
    assert.deepEqual(calls, [`closed ${reason}`, 'host closed'])
  }
})

test('nothing is received while paused, and the order is kept after', () => {
  const { client, calls, endTurn } = setUp()
  client.pause()
  client.received(bytes('1'))
  client.received(bytes('2'))
  client.resume()
  client.received(bytes('3'))
  assert.deepEqual(calls, ['socket pause', 'socket resume'])
  endTurn()
  assert.deepEqual(calls.slice(2), ['receive 1', 'receive 2', 'receive 3'])
})

test('a session that throws loses its connection only', () => {
  const { client, calls } = setUp({
    receive: () => {
      throw new Error('bug')
    },
  })
  client.received(bytes('1'))
  client.closed(undefined)
  assert.deepEqual(calls, ['failed Error: bug', 'socket destroy', 'closed error', 'host closed'])
})
