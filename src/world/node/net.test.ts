import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Outcome } from '../../base/index.ts'
import type { Connection, ConnectionEvents, HttpHandler, Listening } from '../net.ts'
import { callHttp } from './http.ts'
import { systemNet } from './net.ts'

const free = { host: '127.0.0.1', port: 0 }

/** Says back what it hears, and keeps what happened. */
function echo() {
  const events: string[] = []
  const connections: Connection[] = []
  const accept = (connection: Connection): ConnectionEvents => {
    connections.push(connection)
    return {
      received: (chunk) => {
        events.push(`received ${chunk.toString()}`)
        connection.send([chunk.subarray(0, 1), chunk.subarray(1)])
      },
      flushed: () => undefined,
      ended: () => connection.end(),
      closed: (error) => void events.push(`closed ${error ?? ''}`),
    }
  }
  return { events, connections, accept }
}

/** The other side may learn of an end a little later than we do. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}

function open(t: TestContext, outcome: Outcome<Listening>): Listening {
  assert.ok('ok' in outcome)
  t.after(() => outcome.ok.close())
  return outcome.ok
}

test('TCP: bytes come in, go out, and the end is told once', async (t) => {
  const { events, connections, accept } = echo()
  const { bound } = open(t, await systemNet.listenTcp(free, accept))
  const client = connect(bound.port, bound.host)
  client.write('hello')
  const [answer] = (await once(client, 'data')) as [Buffer]
  assert.equal(answer.toString(), 'hello')
  assert.match(connections[0]?.address ?? '', /^127\.0\.0\.1:\d+$/)
  assert.equal(connections[0]?.local, true)
  client.end()
  await once(client, 'close')
  await until(() => events.length === 2)
  assert.deepEqual(events, ['received hello', 'closed '])
})

test('TCP: what was sent before the end arrives, also when the client sent more than was read', async (t) => {
  let ended = false
  const accept = (connection: Connection): ConnectionEvents => ({
    received: () => {
      if (ended) return
      ended = true
      connection.send([Buffer.from('bye')])
      connection.end()
    },
    flushed: () => undefined,
    ended: () => undefined,
    closed: () => undefined,
  })
  const { bound } = open(t, await systemNet.listenTcp(free, accept))
  const client = connect(bound.port, bound.host)
  client.write(Buffer.alloc(300_000))
  const heard: Buffer[] = []
  for await (const chunk of client) heard.push(chunk as Buffer)
  assert.equal(Buffer.concat(heard).toString(), 'bye')
})

test('TCP: who has sent its last byte may still be answered', async (t) => {
  let ended = 0
  const accept = (connection: Connection): ConnectionEvents => ({
    received: () => undefined,
    flushed: () => undefined,
    ended: () => {
      ended++
      setTimeout(() => {
        connection.send([Buffer.from('answer')])
        connection.end()
      }, 20)
    },
    closed: () => undefined,
  })
  const { bound } = open(t, await systemNet.listenTcp(free, accept))
  const client = connect({ ...bound, allowHalfOpen: true })
  client.end('question')
  const heard: Buffer[] = []
  for await (const chunk of client) heard.push(chunk as Buffer)
  assert.equal(Buffer.concat(heard).toString(), 'answer')
  assert.equal(ended, 1)
})

test('a busy port is a failure that says so', async (t) => {
  const { bound } = open(t, await systemNet.listenTcp(free, echo().accept))
  const second = await systemNet.listenTcp(bound, echo().accept)
  assert.ok('error' in second)
  assert.equal(second.error, 'busy')
  assert.match(second.detail, /127\.0\.0\.1:\d+ is in use/)
})

test('an address of another machine is a failure', async () => {
  const outcome = await systemNet.listenTcp({ host: '192.0.2.1', port: 0 }, echo().accept)
  assert.ok('error' in outcome)
  assert.match(outcome.detail, /192\.0\.2\.1 is not an address of this machine/)
})

test('HTTP: request, reply, and a live answer that the client leaves', async (t) => {
  let left = false
  const answer: HttpHandler = ({ method, path, query, body }) => {
    if (path !== '/live')
      return { status: 201, type: 'text/plain', body: `${method} ${path} ${query.get('q')} ${body.toString()}` }
    return {
      status: 200,
      type: 'text/plain',
      body: (sink) => {
        sink.onClosed(() => (left = true))
        sink.write('one\n')
        sink.close()
      },
    }
  }
  const { bound } = open(t, await systemNet.listenHttp(free, answer, 10))
  const url = (path: string): URL => new URL(path, `http://127.0.0.1:${bound.port}`)
  const reply = await callHttp({ method: 'POST', url: url('/a?q=1'), body: '{}' })
  assert.deepEqual(reply, { status: 201, text: 'POST /a 1 {}' })
  const pieces: string[] = []
  await callHttp({ method: 'GET', url: url('/live'), onText: (text) => pieces.push(text) })
  assert.equal(pieces.join(''), 'one\n')
  assert.equal(left, true)
})
