import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed } from '../../base/index.ts'
import type { Connection } from '../net.ts'
import { SimNet, type SimSocket } from './net.ts'
import { SimRandom } from './random.ts'
import { SimTime } from './time.ts'

interface Side {
  bytes: Buffer
  flushed: number
  closed: (string | undefined)[]
}

async function pair(windowBytes = 1000) {
  const time = new SimTime()
  const net = new SimNet(time, new SimRandom(1))
  net.terms = () => ({ delayMsMax: 2, windowBytes, chunkBytesMax: 100 })
  const server: Side = { bytes: Buffer.alloc(0), flushed: 0, closed: [] }
  const client: Side = { bytes: Buffer.alloc(0), flushed: 0, closed: [] }
  let connection!: Connection
  const listening = await net.listenTcp({ host: 'sim', port: 0 }, (opened) => {
    connection = opened
    return {
      received: (chunk) => (server.bytes = Buffer.concat([server.bytes, chunk])),
      flushed: () => server.flushed++,
      ended: () => undefined,
      closed: (error) => server.closed.push(error),
    }
  })
  assert.ok(!failed(listening))
  const connect = (): SimSocket | null =>
    net.connect(listening.ok.bound.port, {
      received: (chunk) => (client.bytes = Buffer.concat([client.bytes, chunk])),
      closed: () => client.closed.push(undefined),
    })
  const socket = connect()
  assert.ok(socket !== null)
  return { time, net, server, client, connection, socket, connect }
}

const numbers = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, i) => i & 0xff))

test('bytes arrive whole and in order, however they are cut, and both ends hear of the end once', async () => {
  const { time, server, client, connection, socket } = await pair()
  for (let at = 0; at < 5000; at += 700) socket.send(numbers(5000).subarray(at, at + 700))
  connection.send([numbers(300), numbers(500)])
  await time.advance(500)
  assert.deepEqual(server.bytes, numbers(5000))
  assert.deepEqual(client.bytes, Buffer.concat([numbers(300), numbers(500)]))
  connection.send([numbers(10)])
  connection.end()
  await time.advance(5000)
  assert.equal(client.bytes.length, 810)
  assert.deepEqual([server.closed, client.closed], [[undefined], [undefined]])
})

test('who does not read is sent no more than the window; the sender sees the rest, and hears when it is taken', async () => {
  const { time, server, client, connection, socket } = await pair()
  socket.read(false)
  connection.send([numbers(3000)])
  await time.advance(500)
  assert.equal(connection.buffered, 2000)
  assert.equal(client.bytes.length, 0)
  socket.read(true)
  await time.advance(500)
  assert.equal(connection.buffered, 0)
  assert.equal(server.flushed, 1)
  assert.deepEqual(client.bytes, numbers(3000))
})

test('a paused server is given nothing; a client that dies is an error; a crash tells only the clients', async () => {
  const { time, net, server, client, connection, socket, connect } = await pair()
  connection.pause()
  socket.send(numbers(10))
  await time.advance(100)
  assert.equal(server.bytes.length, 0)
  connection.resume()
  await time.advance(100)
  assert.equal(server.bytes.length, 10)
  socket.kill()
  assert.deepEqual(server.closed, ['reset by peer'])
  assert.ok(connect() !== null)
  net.crash()
  assert.deepEqual([server.closed.length, client.closed.length, net.connections.size], [1, 2, 0])
  assert.equal(connect(), null)
})
