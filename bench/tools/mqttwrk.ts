/**
 * mqttwrk, a load tool in Rust (crates.io, over rumqttc): the fastest that the registries have, and faster with one
 * connection than either server. Limits: every subscriber gets the messages of every publisher; its sessions are clean,
 * so the servers need store nothing for them; its latencies are whole milliseconds between arrivals and not used here;
 * it waits for ever for a message that was dropped.
 */
import { run, start, type Running } from '../../test/support/index.ts'
import { mqttwrkBinary } from './install.ts'
import { numberIn, ToolError, type Load, type Target } from './load.ts'

const timeoutMs = 30 * 60_000

export interface Bench {
  publishers: number
  subscribers: number
  /** Of each publisher. */
  messages: number
  qos: 0 | 1
  payloadBytes: number
  inFlight?: number
}

const at = ({ host, port }: Target): string[] => ['-S', host, '-P', String(port)]

/** Publishes and waits for what its subscribers get; without subscribers the rate is that of the publishers. */
export async function bench(target: Target, options: Bench): Promise<Load> {
  const { publishers, subscribers, messages, qos, payloadBytes, inFlight = 100 } = options
  const args = [
    ...['-p', String(publishers), '-s', String(subscribers), '-n', String(messages), '-m', String(payloadBytes)],
    ...['--publish-qos', String(qos), '--subscribe-qos', String(qos), '-i', String(inFlight), '-k', '120'],
  ]
  const { stdout } = await run(await mqttwrkBinary(), ['bench', ...at(target), ...args], { timeoutMs })
  const load = parseBench(stdout, subscribers > 0)
  const expected = messages * publishers * Math.max(1, subscribers)
  if (load.messages !== expected) throw new ToolError(`mqttwrk saw ${load.messages} of ${expected}:\n${stdout}`)
  return { ...load, command: ['mqttwrk bench', ...args].join(' ') }
}

export function parseBench(said: string, subscribed: boolean): Omit<Load, 'command'> {
  const part = said.slice(said.indexOf(subscribed ? 'Aggregate SubStats' : 'Aggregate PubStats'))
  return {
    messages: numberIn(part, subscribed ? /publish_count: (\d+)/ : /outgoing_publish: (\d+)/),
    perSecond: numberIn(part, /throughput: ([\d.e]+)/),
  }
}

/** Connections that only answer pings, until the tool is stopped. */
export async function idleConnections(target: Target, connections: number): Promise<Running> {
  const args = ['bench', ...at(target), '-p', String(connections), '-n', '0', '-k', '300', '-t', '60']
  const shell = ['-c', 'ulimit -n $(ulimit -Hn); exec "$@"', 'sh', await mqttwrkBinary(), ...args]
  return start('sh', shell, { timeoutMs })
}
