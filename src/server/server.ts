import type { Broker } from '../core/index.ts'
import { failed, type Failure, type Outcome } from '../base/index.ts'
import type { Clock, Endpoint, Net, Random, Timer, Timers } from '../world/index.ts'
import { formatEndpoint, type Settings } from './config/index.ts'
import { ServerListener } from './listener.ts'
import type { Logger } from './logger.ts'
import { Memory } from './memory.ts'
import type { ServerMetrics } from './metrics.ts'
import type { ListenerSpec, Protocol, ProtocolContext, ProtocolMetrics } from './protocol.ts'
import { TurnEnd } from './turn.ts'

export interface ServerOptions {
  broker: Broker
  protocols: readonly Protocol[]
  settings: Settings
  log: Logger
  net: Net
  clock: Clock
  timers: Timers
  random: Random
}

export interface BoundListener extends Endpoint {
  /** As in `--listen`: `kafka`, `mqtt-ws`. */
  name: string
}

const lookMs = 1_000
const tickMs = 250
const drainPollMs = 20

/** All listeners of all protocols. It knows that protocols exist, not which. */
export class Server {
  readonly #options: ServerOptions
  readonly #listeners: ServerListener[] = []
  readonly #protocolMetrics: Record<string, ProtocolMetrics> = {}
  readonly #turnEnd: TurnEnd
  readonly #memory: Memory
  #look: Timer | undefined
  #tick: Timer | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#turnEnd = new TurnEnd(options.timers)
    this.#memory = new Memory(options.settings.limits.memoryBytes)
  }

  /** Opens all listeners, or none. The failure names the listener. */
  async start(): Promise<Outcome<readonly BoundListener[]>> {
    const { protocols, settings } = this.#options
    for (const protocol of protocols) {
      this.#protocolMetrics[protocol.name] = { messagesIn: 0, messagesOut: 0 }
      for (const spec of protocol.listeners) {
        const endpoint = settings.listen[spec.name]
        if (endpoint === undefined) continue
        const failure = await this.#open(protocol, spec, endpoint)
        if (failure !== undefined) {
          await this.stop(0)
          return { error: failure.error, detail: `listener ${spec.name}: ${failure.detail}` }
        }
      }
    }
    this.#scheduleLook()
    this.#scheduleTick()
    return { ok: this.bound() }
  }

  async #open(protocol: Protocol, spec: ListenerSpec, endpoint: Endpoint): Promise<Failure | undefined> {
    const { net, settings, clock, log } = this.#options
    const listener = new ServerListener({
      spec,
      protocol,
      clock,
      log: log.with({ listener: spec.name }),
      limits: settings.limits,
      turnEnd: this.#turnEnd,
      memory: this.#memory,
      connectionsOpen: () => this.#listeners.reduce((sum, each) => sum + each.size, 0),
      context: (bound) => this.#context(protocol, spec, bound),
    })
    const opened = await listener.open(net, endpoint)
    if (failed(opened)) return opened
    this.#listeners.push(listener)
    return undefined
  }

  #context(protocol: Protocol, spec: ListenerSpec, bound: Endpoint): ProtocolContext {
    const { broker, clock, timers, random, log, settings } = this.#options
    const wildcard = bound.host === '0.0.0.0' || bound.host === '::'
    const host = settings.advertise !== '' ? settings.advertise : wildcard ? '127.0.0.1' : bound.host
    return {
      broker,
      clock,
      timers,
      random,
      log: log.with({ listener: spec.name }),
      config: settings.protocols[protocol.name] ?? {},
      advertised: { host, port: bound.port },
      metrics: this.#protocolMetrics[protocol.name]!,
    }
  }

  bound(): readonly BoundListener[] {
    return this.#listeners.map((listener) => ({ name: listener.name, ...listener.bound }))
  }

  metrics(): ServerMetrics {
    const { arriving, unanswered, unsent } = this.#memory
    return {
      listeners: Object.fromEntries(this.#listeners.map((listener) => [listener.name, listener.metrics])),
      protocols: this.#protocolMetrics,
      memory: {
        arriving: arriving.used,
        unanswered: unanswered.used,
        unsent: unsent.used,
        bytesMax: this.#options.settings.limits.memoryBytes,
      },
    }
  }

  /** Says goodbye to all clients, waits up to `graceMs` until they are gone, then drops the rest. */
  async stop(graceMs: number): Promise<void> {
    const { clock, timers, log } = this.#options
    this.#look?.cancel()
    this.#tick?.cancel()
    const closing = this.#listeners.map((listener) => listener.close())
    for (const listener of this.#listeners) listener.stopSessions()
    const until = clock.monotonic() + graceMs
    while (this.#connections() > 0 && clock.monotonic() < until) {
      await new Promise<void>((resolve) => timers.after(drainPollMs, resolve))
    }
    const left = this.#connections()
    if (left > 0) log.warn('dropping connections that did not end in time', { connections: left })
    for (const listener of this.#listeners) listener.dropAll('stopping')
    await Promise.all(closing)
    for (const protocol of this.#options.protocols) protocol.stopped?.(this.#options.broker)
  }

  #connections(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.size, 0)
  }

  #scheduleTick(): void {
    this.#tick = this.#options.timers.after(tickMs, () => {
      this.#memory.tick(tickMs)
      this.#scheduleTick()
    })
  }

  #scheduleLook(): void {
    this.#look = this.#options.timers.after(lookMs, () => {
      for (const listener of this.#listeners) listener.look(this.#options.settings.limits)
      this.#scheduleLook()
    })
  }
}

export function describeBound(listener: BoundListener): string {
  return `listening ${listener.name} ${formatEndpoint(listener)}`
}
