import type { Connection, ConnectionEvents } from '../world/index.ts'
import type { ListenerMetrics } from './metrics.ts'
import { coalesce } from './output.ts'
import type { CloseReason, Peer, Session } from './protocol.ts'
import type { TurnEnd } from './turn.ts'

export interface ConnectionLimits {
  outputBytesHigh: number
  outputBytesMax: number
}

/** What a connection needs of the server around it. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits
  readonly turnEnd: TurnEnd
  readonly metrics: ListenerMetrics
  /** The session threw: a programmer's error, which ends this connection only. */
  failed(connection: ClientConnection, error: unknown): void
  closed(connection: ClientConnection): void
}

/**
 * Between one socket and one session: gathers a turn's writes, bounds what is unsent, and makes sure that `closed` is
 * called exactly once and that nothing reaches the session after it.
 */
export class ClientConnection implements Peer, ConnectionEvents {
  readonly address: string
  readonly local: boolean
  /** Bytes have come in: the client speaks. */
  spoke = false
  readonly openedAt: number
  readonly #connection: Connection
  readonly #host: ConnectionHost
  #session: Session | undefined
  #queue: Uint8Array[] = []
  #queued = 0
  #owesDrained = false
  #paused = false
  /** What a transport still handed over after it was told to pause. */
  #held: Buffer[] = []
  #closing: CloseReason | undefined
  #over = false

  constructor(connection: Connection, host: ConnectionHost, openedAt: number) {
    this.address = connection.address
    this.local = connection.local
    this.openedAt = openedAt
    this.#connection = connection
    this.#host = host
  }

  /** The session is made with this peer in hand, so it is given afterwards. */
  serve(session: Session): void {
    this.#session = session
  }

  get buffered(): number {
    return this.#queued + this.#connection.buffered
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing !== undefined || this.#over) return false
    if (bytes.length === 0) return !this.#owesDrained
    if (this.#queue.push(bytes) === 1) this.#host.turnEnd.add(this)
    this.#queued += bytes.length
    this.#host.metrics.bytesOut += bytes.length
    const { outputBytesHigh, outputBytesMax } = this.#host.limits
    const buffered = this.buffered
    if (buffered <= outputBytesHigh) return true
    // One frame alone may be larger than the limit; more on top of what is unsent may not.
    if (buffered > outputBytesMax && buffered > bytes.length * 2) this.#drop()
    this.#owesDrained = true
    return false
  }

  flush(): void {
    if (this.#held.length > 0 && !this.#paused) this.#release()
    if (this.#queue.length === 0) return
    const chunks = this.#queue
    this.#queue = []
    this.#queued = 0
    if (this.#over) return
    this.#connection.send(coalesce(chunks))
    if (this.#owesDrained && this.#connection.buffered === 0) this.flushed()
  }

  close(reason: CloseReason): void {
    if (this.#closing !== undefined || this.#over) return
    this.#closing = reason
    this.flush()
    this.#connection.end()
  }

  pause(): void {
    this.#paused = true
    if (this.#closing === undefined) this.#connection.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#closing !== undefined) return
    // Not at once: the session may be in the middle of a chunk that comes before the held ones.
    if (this.#held.length > 0) this.#host.turnEnd.add(this)
    this.#connection.resume()
  }

  #release(): void {
    const held = this.#held
    this.#held = []
    for (const chunk of held) this.#receive(chunk)
  }

  received(chunk: Buffer): void {
    if (this.#closing !== undefined || this.#over) return
    this.spoke = true
    this.#host.metrics.bytesIn += chunk.length
    this.#receive(chunk)
  }

  #receive(chunk: Buffer): void {
    // Behind what is held it must stay behind.
    if (this.#paused || this.#held.length > 0) this.#held.push(chunk)
    else if (this.#closing === undefined && !this.#over) this.#call((session) => session.receive(chunk))
  }

  flushed(): void {
    if (!this.#owesDrained || this.#queued > 0 || this.#closing !== undefined || this.#over) return
    this.#owesDrained = false
    this.#call((session) => session.drained())
  }

  closed(error: string | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#queue = []
    this.#queued = 0
    const reason = this.#closing ?? (error === undefined ? 'client' : 'error')
    this.#call((session) => session.closed(reason))
    this.#host.closed(this)
  }

  /** The server stops: the session says goodbye and closes when it has answered what is under way. */
  stop(): void {
    if (!this.#over && this.#closing === undefined) this.#call((session) => session.stop())
  }

  /** At once, without goodbye. */
  drop(reason: CloseReason): void {
    this.#closing ??= reason
    this.#connection.destroy()
  }

  #drop(): void {
    this.#host.metrics.slowConsumers++
    this.drop('error')
  }

  #call(run: (session: Session) => void): void {
    if (this.#session === undefined) return
    try {
      run(this.#session)
    } catch (error) {
      this.#host.failed(this, error)
    }
  }
}
