import { createServer, type Socket } from 'node:net'
import type { Outcome } from '../../base/index.ts'
import type { Accept, Connection, ConnectionEvents, Endpoint, Listening, Net } from '../net.ts'
import { listenHttp } from './http.ts'
import { addressOf, isLocal, open, watchful } from './listen.ts'
import { listenWebSocket } from './websocket.ts'

/** After the last byte was sent, how long the other side has to close before we do. */
const lingerMs = 2_000

/** One TCP connection over a socket of the runtime. */
class TcpConnection implements Connection {
  readonly address: string
  readonly local: boolean
  readonly #socket: Socket
  #linger: NodeJS.Timeout | undefined

  constructor(socket: Socket, accept: Accept) {
    this.#socket = socket
    this.address = addressOf(socket)
    this.local = isLocal(socket)
    socket.setNoDelay(true)
    const events = accept(this)
    this.#listen(events)
  }

  #listen(events: ConnectionEvents): void {
    const socket = this.#socket
    let broken: string | undefined
    socket.on('data', (chunk: Buffer) => events.received(chunk))
    socket.on('drain', () => events.flushed())
    socket.on('error', (error) => (broken = error.message))
    socket.on('close', () => {
      clearTimeout(this.#linger)
      events.closed(broken)
    })
  }

  get buffered(): number {
    return this.#socket.writableLength
  }

  send(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    if (chunks.length === 1) {
      socket.write(chunks[0]!)
      return
    }
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
    // Go on reading, or the other side's unread bytes turn our last words into a reset.
    this.#socket.resume()
    this.#linger ??= setTimeout(() => this.#socket.destroy(), lingerMs)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/**
 * The mark counts for both directions. A socket that is paused takes in one chunk more, not several; and it says
 * `drain` whenever all was taken, not only after much was waiting.
 */
function listenTcp(endpoint: Endpoint, accept: Accept): Promise<Outcome<Listening>> {
  const server = createServer({ highWaterMark: 1, ...watchful }, (socket) => new TcpConnection(socket, accept))
  return open(server, endpoint)
}

export const systemNet: Net = { listenTcp, listenWebSocket, listenHttp }
