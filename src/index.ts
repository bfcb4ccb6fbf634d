/**
 * Dragoman inside another program, for example a test:
 *
 *     const broker = await startBroker()
 *     const client = new Kafka({ brokers: [broker.address('kafka')] })
 *     await broker.stop()
 */
import { failed } from './base/index.ts'
import { compose } from './compose.ts'
import { knownSettings } from './protocols.ts'
import { createLogger, formatEndpoint, merge, readSettings, type Level } from './server/index.ts'
import { systemClock, writeError } from './world/node/index.ts'

export type ListenerName = 'kafka' | 'amqp' | 'mqtt' | 'mqtt-ws' | 'http'

export interface BrokerOptions {
  /** A data folder; by default all is in memory and gone after `stop`. */
  data?: string
  /**
   * Per listener a port of 127.0.0.1 (0 = a free one), `HOST:PORT`, or false for none. Those that are not named
   * listen on a free port.
   */
  listen?: Partial<Record<ListenerName, number | string | false>>
  /** The least level that is written to standard error. Default `warn`. */
  log?: Level
  /** Anything else that the configuration file may say, in the same shape. */
  settings?: Readonly<Record<string, unknown>>
}

export interface Address {
  host: string
  port: number
}

export interface Broker {
  /** Where each listener is really bound. */
  readonly addresses: Readonly<Partial<Record<ListenerName, Address>>>
  /** `HOST:PORT` of a listener. */
  address(listener: ListenerName): string
  port(listener: ListenerName): number
  /** Says goodbye to all clients and closes everything. Nothing that was acknowledged is lost. */
  stop(): Promise<void>
}

/** Starts a broker in this process. Rejects with a message that says what to do when it cannot. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const known = knownSettings()
  const listen: Record<string, unknown> = {}
  for (const name of Object.keys(known.listeners)) listen[name] = options.listen?.[name as ListenerName] ?? 0
  const raw = merge(options.settings ?? {}, {
    data: options.data ?? 'memory',
    listen,
    log: { level: options.log ?? 'warn' },
  })
  const settings = readSettings(raw, known)
  if (failed(settings)) throw new Error(settings.detail)
  const log = createLogger({ ...settings.ok.log, clock: systemClock, write: writeError })
  const running = await compose(settings.ok, log)
  if (failed(running)) throw new Error(running.detail)
  const { listeners, stop } = running.ok
  const addresses: Partial<Record<ListenerName, Address>> = {}
  for (const { name, host, port } of listeners) addresses[name as ListenerName] = { host, port }
  const at = (name: ListenerName): Address => {
    const found = addresses[name]
    if (found === undefined) throw new Error(`this broker does not listen for ${name}`)
    return found
  }
  let stopped: Promise<void> | undefined
  return {
    addresses,
    address: (name) => formatEndpoint(at(name)),
    port: (name) => at(name).port,
    stop: () => (stopped ??= stop()),
  }
}
