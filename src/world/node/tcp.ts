import type { Socket } from 'node:net'
import type { Accept, Connection, ConnectionEvents } from '../net.ts'
import { addressOf, isLocal } from './listen.ts'

/** After the last byte was sent, how long the other side has to close before we do. */
export const lingerMs = 2_000

/**
 * The mark counts for both directions. A socket that is paused takes in one chunk more, not several; and it says
 * `drain` whenever all was taken, not only after much was waiting. Half open: who has sent its last byte may have
 * sent more than was read, and wait for the answer.
 */
export const socketTerms = { highWaterMark: 1, allowHalfOpen: true } as const

/** One TCP connection over a socket of the runtime, which was made with `socketTerms`. */
export class TcpConnection implements Connection {
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
    socket.on('end', () => events.ended())
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
