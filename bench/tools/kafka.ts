/**
 * Kafka's own load tools. Limits: one producer or consumer in one JVM with one I/O thread, which on two cores is busy as
 * the server is; latencies are of the acknowledgement, whole milliseconds, and at full speed those of the tool's own
 * buffer (32 MB).
 */
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { eventually, run } from '../../test/support/index.ts'
import { kafkaClasses } from '../peers/kafka-classes.ts'
import { numberIn, type Load, type Target } from './load.ts'

const timeoutMs = 30 * 60_000
const heap = ['-Xmx512M', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']

async function java(tool: string, args: readonly string[]): Promise<string> {
  const all = [...heap, '-cp', await kafkaClasses(), `org.apache.kafka.tools.${tool}`, ...args]
  return (await run('java', all, { timeoutMs })).stdout
}

const at = ({ host, port }: Target): string[] => ['--bootstrap-server', `${host}:${port}`]

/** Nothing is measured here, and Kafka's own command takes seconds to start. */
export async function createTopic(target: Target, topic: string, numPartitions: number): Promise<void> {
  const brokers = [`${target.host}:${target.port}`]
  const admin = new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }], waitForLeaders: false })
    // It is not there as soon as it is made: Kafka tells it from the metadata log.
    await eventually(() => isThere(admin, topic), `topic ${topic}`, 30_000)
  } finally {
    await admin.disconnect()
  }
}

async function isThere(admin: Admin, topic: string): Promise<boolean> {
  try {
    await admin.fetchTopicMetadata({ topics: [topic] })
    return true
  } catch {
    return false
  }
}

export interface Produce {
  topic: string
  records: number
  recordBytes: number
  /** Records each second; without it as many as possible. */
  rate?: number
  properties?: readonly string[]
}

/** `kafka-producer-perf-test`, acks=all; its first fifth is its warm-up. */
export async function produce(target: Target, options: Produce): Promise<Load> {
  const { topic, records, recordBytes, rate = -1, properties = [] } = options
  const warmup = Math.floor(records / 5)
  const args = [
    ...['--topic', topic, '--num-records', String(records), '--record-size', String(recordBytes)],
    ...['--throughput', String(rate), '--warmup-records', String(warmup)],
    ...['--command-property', 'acks=all', ...properties],
  ]
  const said = await java('ProducerPerformance', [...at(target), ...args])
  return { ...parseProduce(said), command: ['kafka-producer-perf-test', ...args].join(' ') }
}

export function parseProduce(said: string): Omit<Load, 'command'> {
  return {
    messages: numberIn(said, /^(\d+) records sent, .* 99\.9th\.$/m),
    perSecond: numberIn(said, /steady state records sent, ([\d.]+) records\/sec/),
    p50Ms: numberIn(said, /steady state .* (\d+) ms 50th/),
    p99Ms: numberIn(said, /steady state .* (\d+) ms 99th/),
  }
}

/** `kafka-consumer-perf-test` from the beginning; the rate leaves out what joining the group took. */
export async function consume(target: Target, topic: string, records: number): Promise<Load> {
  const args = ['--topic', topic, '--num-records', String(records), '--timeout', '60000']
  const said = await java('ConsumerPerformance', [...at(target), ...args])
  const load = parseConsume(said)
  if (load.messages < records) throw new Error(`consumed ${load.messages} of ${records}:\n${said}`)
  return { ...load, command: ['kafka-consumer-perf-test', ...args].join(' ') }
}

export function parseConsume(said: string): Omit<Load, 'command'> {
  const values = said.trim().split('\n').at(-1)!.split(',')
  return { messages: Number(values[4]), perSecond: Number(values[9]) }
}

/** `kafka-e2e-latency`: one message at a time, there and back. */
export async function endToEnd(target: Target, topic: string, records: number, recordBytes: number): Promise<Load> {
  const args = [`${target.host}:${target.port}`, topic, String(records), 'all', String(recordBytes)]
  const said = await java('EndToEndLatency', args)
  return { ...parseEndToEnd(said, records), command: ['kafka-e2e-latency', ...args].join(' ') }
}

export function parseEndToEnd(said: string, records: number): Omit<Load, 'command'> {
  const averageMs = numberIn(said, /Avg latency: ([\d.]+) ms/)
  return {
    messages: records,
    perSecond: 1000 / averageMs,
    p50Ms: numberIn(said, /50th = (\d+)/),
    p99Ms: numberIn(said, /99th = (\d+)/),
  }
}
