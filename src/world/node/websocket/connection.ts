import type { Accept, Connection, ConnectionEvents } from '../../net.ts'
import { CloseCode, closeFrame, FrameError, frameHeader, Opcode } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

/** How long the other side has to say goodbye as well. */
const closeMs = 2_000
/** Of a message from us: clients hold the whole of one before they look at it. */
const messageBytesMax = 64 * 1024

/** A byte stream over the binary messages of a WebSocket. Message boundaries mean nothing. */
class WebSocketConnection implements Connection, ConnectionEvents {
  readonly #tcp: Connection
  readonly #events: ConnectionEvents
  readonly #frames: FrameReader
  /** Our close frame was sent. */
  #closing = false
  #timer: NodeJS.Timeout | undefined
  #broken: string | undefined
  /** The payload of a ping whose answer waits until the client has read what came before. */
  #owed: Buffer | undefined

  constructor(tcp: Connection, accept: Accept) {
    this.#tcp = tcp
    this.#frames = new FrameReader({
      data: (bytes) => this.#events.received(bytes),
      ping: (payload) => this.#pong(payload),
      close: (code) => {
        this.#goodbye(code === undefined ? frameHeader(Opcode.close, 0) : closeFrame(code, ''))
        this.#tcp.end()
      },
    })
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
    this.#tcp.pause()
  }

  resume(): void {
    this.#tcp.resume()
  }

  end(): void {
    this.#tcp.resume()
    this.#goodbye(closeFrame(CloseCode.normal, ''))
    this.#timer ??= setTimeout(() => this.#tcp.destroy(), closeMs)
  }

  destroy(): void {
    this.#tcp.destroy()
  }

  received(chunk: Buffer): void {
    if (this.#broken !== undefined) return
    try {
      this.#frames.receive(chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#broken = error.message
      this.#goodbye(closeFrame(error.code, error.message))
      this.#tcp.end()
    }
  }

  flushed(): void {
    const owed = this.#owed
    this.#owed = undefined
    if (owed !== undefined) this.#pong(owed)
    this.#events.flushed()
  }

  closed(error: string | undefined): void {
    clearTimeout(this.#timer)
    this.#events.closed(this.#broken ?? error)
  }

  #goodbye(frame: Buffer): void {
    if (!this.#closing) this.#tcp.send([frame])
    this.#closing = true
  }

  /** RFC 6455, 5.5.3: of several pings the last may be answered alone. Else who does not read could ask for any number. */
  #pong(payload: Buffer): void {
    if (this.#closing) return
    if (this.#tcp.buffered > 0) this.#owed = payload
    else this.#tcp.send([frameHeader(Opcode.pong, payload.length), payload])
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
