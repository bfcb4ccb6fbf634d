import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Outcome } from '../../base/index.ts'
import type { Accept, Connection, Endpoint, Listening, WebSocketTerms } from '../net.ts'
import { addressOf, impatient, isLocal, open } from './listen.ts'
import { runtimeHttp } from './runtime-http.ts'

const closeMs = 2_000
/** Connections that may be on their way to become WebSockets. */
const upgradesMax = 1024

/** A byte stream over the binary messages of a WebSocket. Message boundaries mean nothing. */
class WebSocketConnection implements Connection {
  readonly address: string
  readonly local: boolean
  readonly #socket: WebSocket
  readonly #sent: () => void

  constructor(socket: WebSocket, request: IncomingMessage, accept: Accept) {
    this.#socket = socket
    this.address = addressOf(request.socket)
    this.local = isLocal(request.socket)
    const events = accept(this)
    let broken: string | undefined
    this.#sent = () => {
      if (socket.bufferedAmount === 0) events.flushed()
    }
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) events.received(data)
      else socket.close(1003, 'binary only')
    })
    socket.on('error', (error) => (broken = error.message))
    socket.on('close', () => events.closed(broken))
  }

  get buffered(): number {
    return this.#socket.bufferedAmount
  }

  send(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#socket.send(chunk, this.#sent)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.resume()
    this.#socket.close(1000)
    setTimeout(() => this.#socket.terminate(), closeMs).unref()
  }

  destroy(): void {
    this.#socket.terminate()
  }
}

export async function listenWebSocket(
  endpoint: Endpoint,
  terms: WebSocketTerms,
  accept: Accept,
): Promise<Outcome<Listening>> {
  const { WebSocketServer } = await import('ws')
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: terms.messageBytesMax,
    perMessageDeflate: false,
    handleProtocols: (asked) => terms.subprotocols.find((name) => asked.has(name)) ?? false,
  })
  const server = runtimeHttp.createServer(impatient, (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
    response.end(`This is a WebSocket endpoint: ws://HOST:PORT${terms.path}\n`)
  })
  // Those that have not become WebSockets; the others are the server's to count.
  const waiting = new Set<Duplex>()
  server.on('connection', (socket: Socket) => {
    if (waiting.size >= upgradesMax) {
      socket.destroy()
      return
    }
    waiting.add(socket)
    socket.once('close', () => waiting.delete(socket))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    waiting.delete(socket)
    const refusal = refuse(request, terms)
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => new WebSocketConnection(webSocket, request, accept))
  })
  sockets.on('wsClientError', (_error, socket) => socket.destroy())
  const opened = await open(server, endpoint)
  if ('error' in opened) return opened
  const { bound, close } = opened.ok
  return {
    ok: {
      bound,
      close: () => {
        const closed = close()
        // Those that never became WebSockets; the others are the server's to end.
        server.closeAllConnections()
        return closed
      },
    },
  }
}

function refuse(request: IncomingMessage, terms: WebSocketTerms): string | undefined {
  const path = (request.url ?? '/').split('?', 1)[0]
  if (path !== terms.path) return '404 Not Found'
  const asked = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return asked.some((name) => terms.subprotocols.includes(name)) ? undefined : '400 Bad Request'
}
