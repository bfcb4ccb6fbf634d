import type { Outcome } from '../base/index.ts'
import { failed } from '../base/index.ts'
import type { Clock, Connection, ConnectionEvents, Endpoint, Listening, Net } from '../world/index.ts'
import { ClientConnection, type ConnectionHost, type ConnectionLimits } from './connection.ts'
import type { Logger } from './logger.ts'
import type { Memory } from './memory.ts'
import { newListenerMetrics } from './metrics.ts'
import type { Deadlines } from './patience.ts'
import type { CloseReason, ListenerSpec, Protocol, ProtocolContext } from './protocol.ts'
import type { TurnEnd } from './turn.ts'

export interface ListenerOptions {
  spec: ListenerSpec
  protocol: Protocol
  clock: Clock
  log: Logger
  limits: ConnectionLimits & { connectionsMax: number }
  turnEnd: TurnEnd
  memory: Memory
  /** Of the whole server. */
  connectionsOpen(): number
  context(bound: Endpoint): ProtocolContext
}

const warnEveryMs = 10_000

const nothing = (): void => undefined
const refused: ConnectionEvents = { received: nothing, flushed: nothing, ended: nothing, closed: nothing }

/** One open port of one protocol, and the connections that came in by it. */
export class ServerListener implements ConnectionHost {
  readonly limits: ConnectionLimits
  readonly turnEnd: TurnEnd
  readonly memory: Memory
  readonly metrics = newListenerMetrics()
  readonly now: () => number
  readonly #options: ListenerOptions
  readonly #connections = new Set<ClientConnection>()
  #listening: Listening | undefined
  #context: ProtocolContext | undefined
  #closing = false
  #warnedAt = -Infinity

  constructor(options: ListenerOptions) {
    this.#options = options
    this.limits = options.limits
    this.turnEnd = options.turnEnd
    this.memory = options.memory
    this.now = () => options.clock.monotonic()
  }

  get name(): string {
    return this.#options.spec.name
  }

  get size(): number {
    return this.#connections.size
  }

  get bound(): Endpoint {
    return this.#listening!.bound
  }

  async open(net: Net, endpoint: Endpoint): Promise<Outcome<Endpoint>> {
    const { spec, context } = this.#options
    const accept = (connection: Connection): ConnectionEvents => this.#accept(connection)
    const terms = { path: spec.path ?? '/', subprotocols: spec.subprotocols ?? [] }
    const opened =
      spec.transport === 'tcp'
        ? await net.listenTcp(endpoint, accept)
        : await net.listenWebSocket(endpoint, terms, accept)
    if (failed(opened)) return opened
    this.#listening = opened.ok
    this.#context = context(opened.ok.bound)
    return { ok: opened.ok.bound }
  }

  #accept(connection: Connection): ConnectionEvents {
    const { limits, protocol, connectionsOpen, clock } = this.#options
    if (this.#closing || this.#context === undefined || connectionsOpen() >= limits.connectionsMax) {
      this.metrics.connectionsRefused++
      this.#warnFull(connection)
      connection.destroy()
      return refused
    }
    const client = new ClientConnection(connection, this, clock.monotonic())
    this.#connections.add(client)
    this.metrics.connections++
    this.metrics.connectionsTotal++
    try {
      client.serve(protocol.open(client, this.#context))
    } catch (error) {
      this.failed(client, error)
    }
    return client
  }

  /** At most one line for a while: whoever opens connections without end must not fill the log as well. */
  #warnFull(connection: Connection): void {
    const now = this.#options.clock.monotonic()
    if (this.#closing || now - this.#warnedAt < warnEveryMs) return
    this.#warnedAt = now
    const { connectionsMax } = this.#options.limits
    this.#options.log.warn('connection refused: limits.connectionsMax are open', {
      connectionsMax,
      client: connection.address,
    })
  }

  failed(connection: ClientConnection, error: unknown): void {
    this.metrics.crashes++
    this.#options.log.error('a session failed; its connection is closed', { client: connection.address, error })
    connection.drop('error')
  }

  closed(connection: ClientConnection): void {
    if (this.#connections.delete(connection)) this.metrics.connections--
  }

  /** Takes no more connections. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#listening?.close()
  }

  stopSessions(): void {
    for (const connection of [...this.#connections]) connection.stop()
  }

  dropAll(reason: CloseReason): void {
    for (const connection of [...this.#connections]) connection.drop(reason)
  }

  look(deadlines: Deadlines): void {
    const now = this.now()
    for (const connection of [...this.#connections]) connection.look(now, deadlines)
  }
}
