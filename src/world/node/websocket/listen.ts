import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Outcome } from '../../../base/index.ts'
import type { Accept, Endpoint, Listening, WebSocketTerms } from '../../net.ts'
import { impatient, open } from '../listen.ts'
import { runtimeHttp } from '../runtime-http.ts'
import { lingerMs, socketTerms, TcpConnection } from '../tcp.ts'
import { overWebSocket } from './connection.ts'
import { answerHandshake } from './handshake.ts'

/** Connections that may be on their way to become WebSockets. */
const upgradesMax = 1024

export async function listenWebSocket(
  endpoint: Endpoint,
  terms: WebSocketTerms,
  accept: Accept,
): Promise<Outcome<Listening>> {
  const server = runtimeHttp.createServer({ ...impatient, ...socketTerms }, (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
    response.end(`This is a WebSocket endpoint: ws://HOST:PORT${terms.path}\n`)
  })
  // Those that have not become WebSockets; the others are the server's to count.
  const waiting = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    if (waiting.size >= upgradesMax) {
      socket.destroy()
      return
    }
    waiting.add(socket)
    socket.once('close', () => waiting.delete(socket))
  })
  server.on('upgrade', (request: IncomingMessage, _stream: Duplex, head: Buffer) => {
    // Of a request with a body the other one is no socket (Node 26).
    const { socket } = request
    const answer = answerHandshake(request, terms)
    if ('refused' in answer) {
      refuse(socket, answer.refused)
      return
    }
    waiting.delete(socket)
    socket.write(answer.accepted)
    // The first bytes may have come with the request.
    if (head.length > 0) socket.unshift(head)
    new TcpConnection(socket, overWebSocket(accept))
  })
  const opened = await open(server, endpoint)
  if ('error' in opened) return opened
  const { bound, close } = opened.ok
  return {
    ok: {
      bound,
      close: () => {
        const closed = close()
        // Those that never became WebSockets; the others are the server's to end.
        for (const socket of waiting) socket.destroy()
        return closed
      },
    },
  }
}

/** Once it was asked for an upgrade the runtime does not look after the socket any more. */
function refuse(socket: Socket, response: string): void {
  socket.on('error', () => socket.destroy())
  socket.end(response)
  socket.resume()
  const linger = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(linger))
}
