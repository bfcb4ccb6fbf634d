import type { Outcome } from '../../base/index.ts'
import type { Timers } from '../clock.ts'
import type {
  Accept,
  Connection,
  ConnectionEvents,
  Endpoint,
  HttpHandler,
  Listening,
  Net,
  WebSocketTerms,
} from '../net.ts'
import type { SimRandom } from './random.ts'

/** How the connections of a simulated net are; each is drawn for a connection when it opens. */
export interface NetTerms {
  /** The longest that a chunk takes, ms. */
  delayMsMax: number
  /** What the systems between the two hold, in each direction, before the sender sees that nobody reads. */
  windowBytes: number
  /** Chunks larger than this come in parts. */
  chunkBytesMax: number
}

const calmTerms: NetTerms = { delayMsMax: 1, windowBytes: 65536, chunkBytesMax: 65536 }

/** One direction: bytes arrive in order, some time later, cut anywhere; nothing arrives while the reader is paused. */
class Pipe {
  bytes = 0
  ended = false
  paused = false
  #chunks: Uint8Array[] = []
  #ticking = false
  readonly #net: SimNet
  readonly #terms: NetTerms
  readonly #arrived: (chunk: Buffer) => void
  /** All is taken and nothing will follow. */
  readonly #over: () => void

  constructor(net: SimNet, terms: NetTerms, arrived: (chunk: Buffer) => void, over: () => void) {
    this.#net = net
    this.#terms = terms
    this.#arrived = arrived
    this.#over = over
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.bytes += chunk.length
    this.tick()
  }

  tick(): void {
    if (this.#ticking || this.paused || (this.bytes === 0 && !this.ended)) return
    this.#ticking = true
    this.#net.soon(this.#terms.delayMsMax, () => {
      this.#ticking = false
      if (this.paused) return
      if (this.bytes > 0) this.#arrived(this.#take())
      else if (this.ended) return this.#over()
      this.tick()
    })
  }

  /** Copied only now: whoever changes what was sent is found out. */
  #take(): Buffer {
    const wanted = 1 + this.#net.random.below(2 * this.#terms.chunkBytesMax)
    const taken: Uint8Array[] = []
    let bytes = 0
    while (bytes < wanted && this.#chunks.length > 0) {
      const chunk = this.#chunks[0]!
      const part = chunk.subarray(0, wanted - bytes)
      if (part.length === chunk.length) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(part.length)
      taken.push(part)
      bytes += part.length
    }
    this.bytes -= bytes
    return Buffer.concat(taken)
  }

  /** What is on its way is lost. */
  cut(): void {
    this.#chunks = []
    this.bytes = 0
    this.paused = true
  }
}

/** The server's end. */
class SimConnection implements Connection {
  readonly address: string
  readonly local = true
  readonly toClient: Pipe
  readonly toServer: Pipe
  readonly client: SimSocket
  #events: ConnectionEvents | null = null
  #owesFlushed = false
  #over = false
  readonly #net: SimNet
  readonly #terms: NetTerms

  constructor(net: SimNet, terms: NetTerms, port: number, accept: Accept, client: SimSocket) {
    this.#net = net
    this.#terms = terms
    this.address = `127.0.0.1:${port}`
    this.client = client
    this.toClient = new Pipe(
      net,
      terms,
      (chunk) => this.#taken(chunk),
      () => this.lose(undefined),
    )
    this.toServer = new Pipe(
      net,
      terms,
      (chunk) => this.#events?.received(chunk),
      () => this.lose(undefined),
    )
    this.#events = accept(this)
  }

  #taken(chunk: Buffer): void {
    this.client.events.received(chunk)
    if (!this.#owesFlushed || this.buffered > 0) return
    this.#owesFlushed = false
    this.#events?.flushed()
  }

  get buffered(): number {
    return Math.max(0, this.toClient.bytes - this.#terms.windowBytes)
  }

  send(chunks: readonly Uint8Array[]): void {
    if (this.#over || this.toClient.ended) return
    for (const chunk of chunks) this.toClient.push(chunk)
    if (this.buffered > 0) this.#owesFlushed = true
  }

  pause(): void {
    if (!this.toClient.ended) this.toServer.paused = true
  }

  resume(): void {
    this.toServer.paused = false
    this.toServer.tick()
  }

  end(): void {
    this.toClient.ended = true
    this.toClient.tick()
    // Who does not read is waited for only so long.
    this.#net.soon(lingerMs, () => this.lose(undefined))
  }

  destroy(): void {
    this.#net.soon(0, () => this.lose(undefined))
  }

  /** Gone, for both; `error` as the server is told. */
  lose(error: string | undefined): void {
    if (this.#over) return
    this.#over = true
    this.toClient.cut()
    this.toServer.cut()
    this.#net.connections.delete(this)
    this.#events?.closed(error)
    this.#events = null
    this.client.lost()
  }

  /** The server's machine is gone: nobody there is told. */
  orphan(): void {
    this.#events = null
    this.lose(undefined)
  }
}

const lingerMs = 2000

export interface SocketEvents {
  received(chunk: Buffer): void
  /** Called exactly once, by whomever it ended. */
  closed(): void
}

/** The client's end of a connection. */
export class SimSocket {
  readonly events: SocketEvents
  open = true
  #connection: SimConnection | null = null

  constructor(events: SocketEvents) {
    this.events = events
  }

  belongsTo(connection: SimConnection): void {
    this.#connection = connection
  }

  send(bytes: Uint8Array): void {
    if (this.open) this.#connection?.toServer.push(bytes)
  }

  /** A slow client reads nothing for a while. */
  read(on: boolean): void {
    if (!this.open || this.#connection === null) return
    const { toClient } = this.#connection
    toClient.paused = !on
    toClient.tick()
  }

  /** Sends what was sent, and closes. */
  end(): void {
    if (!this.open || this.#connection === null) return
    const { toServer } = this.#connection
    toServer.ended = true
    toServer.tick()
  }

  /** Dies without a word. */
  kill(): void {
    this.#connection?.lose('reset by peer')
  }

  lost(): void {
    if (!this.open) return
    this.open = false
    this.events.closed()
  }
}

/** Connections in memory: late, cut into chunks, and over at any time. */
export class SimNet implements Net {
  readonly random: SimRandom
  readonly connections = new Set<SimConnection>()
  readonly counts = { connections: 0, killed: 0, chunks: 0 }
  terms: () => NetTerms = () => calmTerms
  readonly #timers: Timers
  readonly #listeners = new Map<number, Accept>()
  readonly #handlers = new Map<number, HttpHandler>()
  #ports = 50_000

  constructor(timers: Timers, random: SimRandom) {
    this.#timers = timers
    this.random = random
  }

  soon(delayMsMax: number, run: () => void): void {
    this.counts.chunks++
    this.#timers.after(this.random.below(delayMsMax * 100 + 1) / 100, run)
  }

  listenTcp(endpoint: Endpoint, accept: Accept): Promise<Outcome<Listening>> {
    return this.#listen(endpoint, this.#listeners, accept)
  }

  /** Its messages are chunks, as the server sees them. */
  listenWebSocket(endpoint: Endpoint, _terms: WebSocketTerms, accept: Accept): Promise<Outcome<Listening>> {
    return this.#listen(endpoint, this.#listeners, accept)
  }

  listenHttp(endpoint: Endpoint, answer: HttpHandler): Promise<Outcome<Listening>> {
    return this.#listen(endpoint, this.#handlers, answer)
  }

  #listen<T>({ host, port }: Endpoint, all: Map<number, T>, one: T): Promise<Outcome<Listening>> {
    const bound = { host, port: port === 0 ? this.#ports++ : port }
    if (this.#listeners.has(bound.port) || this.#handlers.has(bound.port)) {
      return Promise.resolve({ error: 'busy', detail: `port ${bound.port} is in use` })
    }
    all.set(bound.port, one)
    const close = (): Promise<void> => {
      all.delete(bound.port)
      return Promise.resolve()
    }
    return Promise.resolve({ ok: { bound, close } })
  }

  /** Null: nobody listens there. */
  connect(port: number, events: SocketEvents): SimSocket | null {
    const accept = this.#listeners.get(port)
    if (accept === undefined) return null
    const socket = new SimSocket(events)
    const connection = new SimConnection(this, this.terms(), this.#ports++, accept, socket)
    this.connections.add(connection)
    socket.belongsTo(connection)
    this.counts.connections++
    return socket
  }

  http(port: number): HttpHandler | undefined {
    return this.#handlers.get(port)
  }

  /** The server's machine is gone. */
  crash(): void {
    this.#listeners.clear()
    this.#handlers.clear()
    for (const connection of [...this.connections]) connection.orphan()
  }
}
