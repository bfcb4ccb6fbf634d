import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../world/index.ts'
import { ClientConnection, type ConnectionHost } from './connection.ts'
import { Memory } from './memory.ts'
import { newListenerMetrics } from './metrics.ts'
import type { CloseReason, Session } from './protocol.ts'
import { TurnEnd } from './turn.ts'

/** A connection, a session and a turn that the test ends by hand. */
function setUp(
  session: Partial<Session> = {},
  memory = new Memory(1024 * 1024),
  limits = { outputBytesHigh: 10, outputBytesMax: 100 },
) {
  const turns: (() => void)[] = []
  const sent: string[][] = []
  const calls: string[] = []
  const now = { ms: 0 }
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
    limits,
    turnEnd: new TurnEnd({ after: () => ({ cancel: () => undefined }), endOfTurn: (run) => void turns.push(run) }),
    metrics: newListenerMetrics(),
    memory,
    failed: (connection, error) => {
      calls.push(`failed ${String(error)}`)
      connection.drop('error')
    },
    closed: () => void calls.push('host closed'),
    now: () => now.ms,
  }
  const client = new ClientConnection(socket, host, 0)
  client.serve({
    receive: (chunk) => void calls.push(`receive ${chunk.toString()}`),
    drained: () => void calls.push('drained'),
    closed: (reason: CloseReason) => void calls.push(`closed ${reason}`),
    stop: () => void calls.push('stop'),
    known: true,
    unfinished: 0,
    ...session,
  })
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run()
  }
  return { client, socket, sent, calls, endTurn, host, now }
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

/** A session that is not ready for the first chunk's successors until `resume`. */
function pausing() {
  const stand = setUp()
  const { client, calls } = stand
  client.serve({
    receive: (chunk) => {
      calls.push(`receive ${chunk.toString()}`)
      if (chunk.toString() === 'one') client.pause()
    },
    drained: () => undefined,
    closed: (reason: CloseReason) => void calls.push(`closed ${reason}`),
    stop: () => undefined,
    known: true,
    unfinished: 0,
  })
  client.received(bytes('one'))
  client.received(bytes('two'))
  calls.length = 0
  return stand
}

test('what a client sent before it left is read to its end, whether it can be answered or not', () => {
  for (const [leave, answered] of [
    [({ client }: ReturnType<typeof pausing>) => client.ended(), true],
    [({ client }: ReturnType<typeof pausing>) => client.closed(undefined), false],
    [({ client }: ReturnType<typeof pausing>) => client.closed('reset'), false],
  ] as const) {
    const stand = pausing()
    const { client, calls, sent, endTurn } = stand
    leave(stand)
    endTurn()
    assert.deepEqual(calls, [])
    client.underWay(1)
    client.resume()
    endTurn()
    assert.deepEqual(calls.splice(0, 2), ['socket resume', 'receive two'])
    if (answered) {
      assert.deepEqual(calls, [])
      client.write(bytes('answer'))
      client.underWay(0)
      endTurn()
      assert.deepEqual(sent, [['answer']])
      assert.deepEqual(calls.splice(0), ['socket end'])
      client.closed(undefined)
    }
    assert.match(calls[0]!, /^closed (client|error)$/)
    assert.deepEqual(calls.slice(1), ['host closed'])
  }
})

test('who has left is not waited for without end, and its own goodbye ends it', () => {
  const deadlines = { firstByteMs: 1e9, loginMs: 1e9, messageMs: 1e9 }
  const waiting = pausing()
  waiting.client.closed(undefined)
  waiting.client.look(9_000, deadlines)
  waiting.endTurn()
  assert.deepEqual(waiting.calls, [])
  waiting.client.look(11_000, deadlines)
  waiting.endTurn()
  assert.deepEqual(waiting.calls, ['socket destroy', 'closed client', 'host closed'])

  const parting = pausing()
  parting.client.closed(undefined)
  parting.client.close('server')
  parting.endTurn()
  assert.deepEqual(parting.calls, ['closed server', 'host closed'])
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

test('a socket that takes nothing gets one piece, and the rest lies in memory of its own', () => {
  const limits = { outputBytesHigh: 100_000, outputBytesMax: 1024 * 1024 }
  const { client, sent, socket, endTurn } = setUp({}, undefined, limits)
  const slab = Buffer.alloc(1024 * 1024, 'x')
  socket.buffered = 1
  for (let i = 0; i < 10; i++) {
    client.write(slab.subarray(i * 5000, (i + 1) * 5000))
    endTurn()
  }
  assert.equal(sent.length, 1)
  assert.equal(client.buffered, 50_000)
  socket.buffered = 0
  client.flushed()
  assert.equal(client.buffered, 0)
  assert.equal(sent.flat().join('').length, 50_000)
})

test('who has too much unanswered is not read from until it is answered', () => {
  const { client, calls, host } = setUp()
  client.underWay(16 * 1024)
  assert.equal(client.reading, true)
  client.underWay(200 * 1024)
  assert.equal(client.reading, false)
  assert.equal(host.memory.unanswered.used, 200 * 1024)
  client.underWay(0)
  assert.equal(client.reading, true)
  assert.deepEqual(calls, ['socket pause', 'socket resume'])
})

test('a session that reads on does not undo what memory asks for, nor the other way round', () => {
  const { client } = setUp()
  client.underWay(200 * 1024)
  client.pause()
  client.resume()
  assert.equal(client.reading, false)
  client.pause()
  client.underWay(0)
  assert.equal(client.reading, false)
  client.resume()
  assert.equal(client.reading, true)
})

test('a large message waits for its turn, which lasts until it is answered', () => {
  const one = setUp()
  const memory = one.host.memory
  const other = setUp({}, memory)
  one.client.arriving(100_000)
  other.client.arriving(100_000)
  assert.deepEqual([one.client.reading, other.client.reading], [true, false])
  one.client.underWay(100_000)
  one.client.arriving(0)
  assert.equal(other.client.reading, false)
  one.client.underWay(0)
  assert.equal(other.client.reading, true)
  other.client.closed(undefined)
  assert.equal(memory.arriving.used, 0)
})

test('a small message that has come in part waits for nobody', () => {
  const one = setUp()
  const other = setUp({}, one.host.memory)
  one.client.arriving(10_000_000)
  other.client.arriving(64 * 1024)
  assert.equal(other.client.reading, true)
})

test('where much is unsent already a connection may have less, but always a little', () => {
  const { client, host } = setUp()
  const before = client.room
  host.memory.unsent.used += 400 * 1024
  assert.ok(client.room < before)
  host.memory.unsent.used += 400 * 1024
  assert.equal(client.room, 16 * 1024)
  client.keeps(20_000)
  assert.ok(client.room < 0)
})

test('what a connection held is free when it has gone', () => {
  const { client, socket, endTurn, host } = setUp()
  socket.buffered = 1
  client.write(bytes('0123456789'))
  client.keeps(1000)
  client.underWay(1000)
  client.arriving(100_000)
  endTurn()
  client.closed(undefined)
  client.underWay(5)
  client.arriving(100_000)
  client.keeps(5)
  const { unsent, unanswered, arriving } = host.memory
  assert.deepEqual([unsent.used, unanswered.used, arriving.used], [0, 0, 0])
})

test('who asks for more than it reads is not read from', () => {
  const { client, calls, socket, endTurn } = setUp({}, undefined, { outputBytesHigh: 10, outputBytesMax: 1024 * 1024 })
  socket.buffered = 1
  for (let i = 0; i < 40; i++) client.write(bytes('x'.repeat(10_000)))
  endTurn()
  assert.equal(client.reading, false)
  socket.buffered = 0
  client.flushed()
  assert.equal(client.reading, true)
  assert.deepEqual(calls, ['socket pause', 'socket resume', 'drained'])
})

test('who is not read from may be silent, but must take what it is sent, if that is why', () => {
  const { client, socket, endTurn } = setUp({}, undefined, { outputBytesHigh: 10, outputBytesMax: 4 * 1024 * 1024 })
  assert.equal(client.mayBeSilent(), false)
  socket.send = () => void (socket.buffered = 1)
  for (let i = 0; i < 30; i++) {
    client.write(Buffer.alloc(100_000))
    endTurn()
  }
  assert.deepEqual([client.mayBeSilent(), client.mayBeSilent()], [false, false])
  socket.buffered = 0
  client.flushed()
  assert.ok(client.buffered > 1_000_000)
  assert.deepEqual([client.mayBeSilent(), client.mayBeSilent()], [true, false])
  client.pause()
  assert.deepEqual([client.mayBeSilent(), client.mayBeSilent()], [true, true])
})

const deadlines = { firstByteMs: 30_000, loginMs: 10_000, messageMs: 60_000 }

test('no byte, no login, no end of a message: each has its time, and whoever is not read from has more', () => {
  const over = (session: Partial<Session>, given: string, at: readonly number[]): number[] => {
    const { client, calls } = setUp(session)
    if (given !== '') client.received(bytes(given))
    return at.filter((ms) => {
      client.look(ms, deadlines)
      return calls.includes('socket destroy')
    })
  }
  assert.deepEqual(over({}, '', [29_000, 31_000]), [31_000])
  assert.deepEqual(over({ known: false }, 'x', [9_000, 11_000]), [11_000])
  assert.deepEqual(over({}, 'x', [100_000]), [])
  assert.deepEqual(over({ unfinished: 3 }, 'x', [1_000, 60_000, 62_000]), [62_000])
  const { client, calls } = setUp({ unfinished: 3 })
  client.received(bytes('x'))
  client.look(0, deadlines)
  client.pause()
  client.look(100_000, deadlines)
  client.resume()
  client.look(150_000, deadlines)
  assert.ok(!calls.includes('socket destroy'), 'it was not read from')
  client.look(161_000, deadlines)
  assert.ok(calls.includes('socket destroy'))
})

test('a message that comes slowly has a second for each KiB, another message begins anew', () => {
  const { client, calls } = setUp()
  const nothing = (): void => undefined
  const session = { receive: nothing, drained: nothing, closed: nothing, stop: nothing, known: true, unfinished: 1 }
  client.serve(session)
  client.received(bytes('x'))
  client.look(0, deadlines)
  client.received(Buffer.alloc(20 * 1024))
  client.look(79_000, deadlines)
  assert.ok(!calls.includes('socket destroy'))
  session.unfinished = 2
  client.look(82_000, deadlines)
  client.look(141_000, deadlines)
  assert.ok(!calls.includes('socket destroy'))
  client.look(143_000, deadlines)
  assert.ok(calls.includes('socket destroy'))
})

test('whoever keeps the broker at work for long is read from again after the others, and in small pieces', () => {
  const worked: number[] = []
  const { client, calls, endTurn, now } = setUp({
    receive: (chunk) => {
      worked.push(chunk.length)
      now.ms += chunk.length / 4096
    },
  })
  client.received(Buffer.alloc(64 * 1024))
  assert.deepEqual(calls, ['socket pause'], '16 ms were too long')
  client.received(Buffer.alloc(64 * 1024))
  assert.deepEqual(worked, [65_536], 'the others are first')
  endTurn()
  for (let turns = 0; turns < 40; turns++) endTurn()
  assert.equal(
    worked.reduce((sum, length) => sum + length, 0),
    128 * 1024,
  )
  assert.ok(worked[1]! <= 4096, `a piece of ${worked[1]} bytes`)
})

test('a large message that does not come on lets the others pass, and waits in line when it does', () => {
  const memory = new Memory(16 * 1024 * 1024)
  const stalled = setUp({}, memory)
  const other = setUp({}, memory)
  stalled.client.received(bytes('x'))
  other.client.received(bytes('x'))
  stalled.client.arriving(100 * 1024 * 1024)
  other.client.arriving(100 * 1024)
  assert.equal(other.client.reading, false)
  stalled.client.look(1000, deadlines)
  assert.equal(other.client.reading, true)
  stalled.client.arriving(100 * 1024 * 1024)
  assert.ok(stalled.client.reading, 'there is room again')
})
