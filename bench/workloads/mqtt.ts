/** QoS 0 and 1 with mqttwrk, sessions that last and latency with Mosquitto's own clients. */
import { readFileSync } from 'node:fs'
import { eventually } from '../../test/support/index.ts'
import { mosquittoClients, mqttwrk } from '../tools/index.ts'
import { higher, lower, type Side, type Workload } from './workload.ts'

const mosquitto: Side = 'mosquitto/shipped'
const rivals: Side[] = [mosquitto]
const atLeastEven = { against: mosquitto, atLeast: 1 } as const
type Qos = 0 | 1

function throughput(qos: Qos, shape: string, publishers: number, subscribers: number, deliveries: number): Workload {
  return {
    name: `mqtt-qos${qos}-${shape}`,
    title: `MQTT, QoS ${qos}, ${publishers} to ${subscribers}, 100 B messages, clean sessions`,
    group: 'mqtt',
    protocol: 'mqtt',
    rivals,
    points: [higher('delivered', atLeastEven)],
    run: async (bench) => {
      const messages = bench.count(deliveries / publishers / subscribers)
      const load = { publishers, subscribers, qos, payloadBytes: 100 }
      await mqttwrk.bench(bench.target, { ...load, messages: Math.ceil(messages / 5) })
      return { delivered: await bench.load((at) => mqttwrk.bench(at, { ...load, messages })) }
    },
  }
}

/**
 * To a subscriber whose session lasts: only here a broker has something to keep before it acknowledges. The tool's 100
 * in flight are few beside a disk: its rate is then that of so many messages for each write.
 */
const stored = (inFlight: number): Workload => ({
  name: inFlight === 100 ? 'mqtt-qos1-stored' : `mqtt-qos1-stored-${inFlight}`,
  title: `MQTT, QoS 1, 1 to 1, 100 B messages, to a session that lasts, ${inFlight} in flight`,
  group: 'mqtt',
  protocol: 'mqtt',
  rivals,
  withOs: true,
  points: [higher('published', atLeastEven), higher('delivered', atLeastEven)],
  run: async (bench) => {
    const messages = bench.count(500_000)
    const warmUp = { publishers: 1, subscribers: 1, qos: 1, payloadBytes: 100, inFlight } as const
    await mqttwrk.bench(bench.target, { ...warmUp, messages: Math.ceil(messages / 5) })
    const session = ['lasting', 'hello/+/world'] as const
    await mosquittoClients.leaveSession(bench.target, ...session)
    const subscriber = mosquittoClients.takeUpSession(bench.target, ...session, messages)
    try {
      const load = { publishers: 1, subscribers: 0, qos: 1, payloadBytes: 100, messages, inFlight } as const
      let published = 0
      const delivered = await bench.load(async (at) => {
        const began = performance.now()
        const publish = await mqttwrk.bench(at, load)
        published = publish.perSecond ?? NaN
        await subscriber.ended
        return { ...publish, perSecond: messages / ((performance.now() - began) / 1000) }
      })
      return { published: { ...delivered, perSecond: published }, delivered }
    } finally {
      await subscriber.stop('SIGKILL')
    }
  },
})

function latency(qos: Qos): Workload {
  return {
    name: `mqtt-latency-qos${qos}`,
    title: `MQTT, QoS ${qos}, latency, 100 B messages, clean sessions`,
    group: 'mqtt',
    protocol: 'mqtt',
    rivals,
    points: [lower('at 1,000/s', 'p99Ms')],
    run: async (bench) => {
      const pace = { qos, rate: 1000, seconds: bench.seconds(15), payloadBytes: 100 }
      return { 'at 1,000/s': await bench.load((at) => mosquittoClients.latency(at, pace)) }
    },
  }
}

/** Connections of a server's port in the state ESTABLISHED. */
function connectionsOf(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  const columns = lines.map((line) => line.trim().split(/\s+/))
  return columns.filter(([, from, , state]) => from?.endsWith(local) === true && state === '01').length
}

const idle: Workload = {
  name: 'mqtt-idle-10000',
  title: 'MQTT, 10,000 idle connections',
  group: 'mqtt',
  protocol: 'mqtt',
  rivals,
  points: [lower('memory for each', 'kb')],
  run: async (bench) => {
    // At every scale: of a few hundred, the memory for each is mostly what a server takes once.
    const connections = 10_000
    const before = bench.rssMb()
    const tool = await mqttwrk.idleConnections(bench.target, connections)
    try {
      const { port } = bench.target
      await eventually(() => connectionsOf(port) >= connections, `${connections} connections`, 300_000)
      await new Promise((resolve) => setTimeout(resolve, 5000))
      const kb = ((bench.rssMb() - before) * 1024) / connections
      return { 'memory for each': { kb, messages: connections, rssPeakMb: bench.rssMb() } }
    } finally {
      await tool.stop('SIGKILL')
    }
  },
}

export const mqttWorkloads: readonly Workload[] = [
  throughput(0, '1x1', 1, 1, 2_000_000),
  throughput(1, '1x1', 1, 1, 1_000_000),
  stored(100),
  stored(1000),
  throughput(0, 'fanin-100', 100, 1, 1_000_000),
  throughput(1, 'fanin-100', 100, 1, 1_000_000),
  throughput(0, 'fanout-100', 1, 100, 3_000_000),
  throughput(1, 'fanout-100', 1, 100, 1_000_000),
  latency(0),
  latency(1),
  idle,
]
