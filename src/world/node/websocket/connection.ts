import type { Accept, Connection, ConnectionEvents } from '../../net.ts'
import { CloseCode, closeFrame, frameHeader, Opcode } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

/** How long the other side has to say goodbye as well. */
const closeMs = 2_000
/** Of a message from us: clients hold the whole of one before they look at it. */
const messageBytesMax = 64 * 1024

/** A byte stream over the binary messages of a WebSocket. Message boundaries mean nothing. */
class WebSocketConnection implements Connection, ConnectionEvents {
  readonly #tcp: Connection
  readonly #events: ConnectionEvents
  readonly #frames = new FrameReader()
  #paused = false
  /** Our close frame was sent. */
  #closing = false
  #timer: NodeJS.Timeout | undefined
  #broken: string | undefined
  /** The client's side of the connection is over: there will be no goodbye. */
  #hasEnded = false

  constructor(tcp: Connection, accept: Accept) {
    this.#tcp = tcp
    this.#events = accept(this)
  }

  get address(): string {
    return this.#tcp.address
  }

  get local(): boolean {
    return this.#tcp.local
  }

  get buffered(): number {
    return this.#tcp.buffered
  }

  send(chunks: readonly Uint8Array[]): void {
    if (!this.#closing) this.#tcp.send(messagesOf(chunks))
  }

  pause(): void {
    this.#paused = true
    this.#tcp.pause()
  }

  resume(): void {
    this.#paused = false
    this.#tcp.resume()
    // Not before what the receiver has kept of the bytes before it.
    if (this.#frames.end !== undefined) setImmediate(() => this.#finish())
  }

  end(): void {
    this.#tcp.resume()
    this.#goodbye(closeFrame(CloseCode.normal, ''))
    if (this.#hasEnded) this.#tcp.end()
    else this.#timer ??= setTimeout(() => this.#tcp.destroy(), closeMs)
  }

  destroy(): void {
    this.#tcp.destroy()
  }

  received(chunk: Buffer): void {
    if (this.#frames.end !== undefined) return
    const bytes = this.#frames.read(chunk)
    if (bytes.length > 0) this.#events.received(bytes)
    this.#pong()
    this.#finish()
  }

  flushed(): void {
    this.#pong()
    this.#events.flushed()
  }

  /** Without a close frame, or behind one that is yet to be looked at. */
  ended(): void {
    this.#hasEnded = true
    this.#events.ended()
  }

  closed(error: string | undefined): void {
    clearTimeout(this.#timer)
    this.#events.closed(this.#broken ?? error)
  }

  #goodbye(frame: Buffer): void {
    if (!this.#closing) this.#tcp.send([frame])
    this.#closing = true
  }

  /** The client's frames have ended, and what came before was taken. */
  #finish(): void {
    const { end } = this.#frames
    if (end === undefined || this.#paused) return
    if ('violation' in end) {
      this.#broken = end.violation.message
      this.#goodbye(closeFrame(end.violation.code, this.#broken))
    } else {
      this.#goodbye(end.close === undefined ? frameHeader(Opcode.close, 0) : closeFrame(end.close, ''))
    }
    this.#tcp.end()
  }

  /** Once for all pings of a chunk, and not while the client does not read. */
  #pong(): void {
    const { ping } = this.#frames
    if (ping === undefined || this.#closing || this.#tcp.buffered > 0) return
    this.#frames.ping = undefined
    this.#tcp.send([frameHeader(Opcode.pong, ping.length), ping])
  }
}

/** `chunks` in binary messages. */
function messagesOf(chunks: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = []
  let message: Uint8Array[] = []
  let bytes = 0
  const end = (): void => {
    if (bytes > 0) out.push(frameHeader(Opcode.binary, bytes), ...message)
    message = []
    bytes = 0
  }
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + messageBytesMax - bytes)
      message.push(piece)
      bytes += piece.length
      at += piece.length
      if (bytes === messageBytesMax) end()
    }
  }
  end()
  return out
}

/** For a TCP connection that has become a WebSocket: whoever `accept` asks sees the bytes in its messages. */
export function overWebSocket(accept: Accept): Accept {
  return (tcp) => new WebSocketConnection(tcp, accept)
}
