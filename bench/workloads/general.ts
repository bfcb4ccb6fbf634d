/** What every server has: a start, memory with nothing to do, a backlog, a restart with much data, a disk. */
import type { Bench } from '../harness/bench.ts'
import { newFileSyncRate, sequentialSyncRate } from '../measure/disk.ts'
import type { Protocol } from '../measure/ready.ts'
import { kafkaTools, mosquittoClients, mqttwrk, perfTest, rdkafka } from '../tools/index.ts'
import { durable } from './amqp.ts'
import { higher, lower, type Sample, type Side, type Workload } from './workload.ts'

const rivalOf: Record<Protocol, Side> = {
  kafka: 'kafka/shipped',
  amqp: 'rabbitmq/classic',
  mqtt: 'mosquitto/shipped',
}
const topic = 'bench'
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function start(protocol: Protocol): Workload {
  const rival = rivalOf[protocol]
  return {
    name: `start-${protocol}`,
    title: `Start over an empty folder, and memory with nothing to do, beside ${rival.split('/')[0]}`,
    group: 'general',
    protocol,
    rivals: [rival],
    points: [lower('ready', 'ms', { atMost: 300 }), lower('idle memory', 'mb', { atMost: 100 })],
    run: async (bench) => {
      const ready = { ms: bench.server.readyMs }
      await pause(bench.seconds(10) * 1000)
      return { ready, 'idle memory': { mb: bench.rssMb() } }
    },
  }
}

const millions = 10_000_000

/** How to put so many messages somewhere, and how to get them out again. */
interface Backlog {
  fill(bench: Bench, messages: number): Promise<Sample>
  drain(bench: Bench, messages: number): Promise<Sample>
}

const session = ['lasting', 'hello/+/world'] as const

const backlogs: Record<Protocol, Backlog> = {
  kafka: {
    fill: async (bench, records) => {
      await kafkaTools.createTopic(bench.target, topic, 1)
      return bench.load((to) => rdkafka.produce(to, { topic, records, recordBytes: 100 }))
    },
    drain: (bench, records) => bench.load((from) => rdkafka.consume(from, topic, 1, records)),
  },
  amqp: {
    fill: (bench, messages) => {
      const flags = ['-x', '1', '-y', '0', '-c', '1000', '-s', '100', '-u', 'bench', '-C', String(messages)]
      return bench.load((to) => perfTest(to, { counts: 'sent', flags: [...durable(bench), ...flags] }))
    },
    drain: (bench, messages) => {
      const flags = ['-x', '0', '-y', '1', '-q', '500', '-u', 'bench', '-D', String(messages)]
      return bench.load((from) => perfTest(from, { counts: 'received', flags: [...durable(bench), ...flags] }))
    },
  },
  mqtt: {
    fill: async (bench, messages) => {
      await mosquittoClients.leaveSession(bench.target, ...session)
      const load = { publishers: 1, subscribers: 0, qos: 1, payloadBytes: 100, messages } as const
      return bench.load((to) => mqttwrk.bench(to, load))
    },
    drain: (bench, messages) => bench.load((from) => mosquittoClients.drain(from, ...session, messages)),
  },
}

function backlog(protocol: Protocol): Workload {
  return {
    name: `backlog-${protocol}`,
    title: `A backlog of 10 million messages of 100 B, ${protocol}`,
    group: 'general',
    protocol,
    rivals: [rivalOf[protocol]],
    pairsMax: 1,
    points: [higher('fill'), lower('memory', 'rssPeakMb'), higher('drain')],
    run: async (bench) => {
      const messages = bench.count(millions)
      const { fill, drain } = backlogs[protocol]
      const filled = await fill(bench, messages)
      return { fill: filled, memory: filled, drain: await drain(bench, messages) }
    },
  }
}

const gigabytes = 5e9

const fiveGigabytes: Record<'kafka' | 'amqp', (bench: Bench) => Promise<unknown>> = {
  kafka: async (bench) => {
    await kafkaTools.createTopic(bench.target, topic, 1)
    await rdkafka.produce(bench.target, { topic, records: bench.count(gigabytes / 1024), recordBytes: 1024 })
  },
  amqp: (bench) => {
    const count = String(bench.count(gigabytes / 10_240))
    const flags = ['-x', '1', '-y', '0', '-c', '200', '-s', '10240', '-u', 'bench', '-C', count]
    return perfTest(bench.target, { counts: 'sent', flags: [...durable(bench), ...flags] })
  },
}

function restart(protocol: 'kafka' | 'amqp'): Workload {
  return {
    name: `restart-${protocol}`,
    title: `Restart with 5 GB, ${protocol}`,
    group: 'general',
    protocol,
    rivals: [rivalOf[protocol]],
    pairsMax: 1,
    points: [lower('after a stop', 'ms'), lower('after kill -9', 'ms'), lower('cold after a stop', 'ms')],
    run: async (bench) => {
      await fiveGigabytes[protocol](bench)
      const took = async (how: 'properly' | 'at once', cold = false): Promise<Sample> => {
        await bench.restart(how, cold)
        return { ms: bench.server.readyMs, mb: bench.rssMb() }
      }
      return {
        'after kill -9': await took('at once'),
        'after a stop': await took('properly'),
        'cold after a stop': await took('properly', true),
      }
    },
  }
}

/** Counters of ours, by name. */
async function metricsOf(bench: Bench): Promise<Map<string, number>> {
  const text = await (await fetch(bench.server.metrics!)).text()
  return new Map([...text.matchAll(/^(\w+) ([\d.e+]+)$/gm)].map(([, name, value]) => [name!, Number(value)]))
}

/** Large ones: of small records the tool makes no more than 130 MB a second. */
const diskRecordBytes = 64 * 1024

const disk: Workload = {
  name: 'disk',
  title: 'Durable bytes each second, beside sequential writes in the same rhythm on the same disk',
  group: 'general',
  protocol: 'kafka',
  rivals: [],
  points: [
    { name: 'of the disk', field: 'share', better: 'higher', targets: [{ atLeast: 0.5 }] },
    { name: 'of as much in a new file', field: 'share', better: 'higher', targets: [] },
  ],
  run: async (bench) => {
    await kafkaTools.createTopic(bench.target, topic, 12)
    const records = bench.count(100_000)
    const before = await metricsOf(bench)
    const sample = await bench.load((to) => rdkafka.produce(to, { topic, records, recordBytes: diskRecordBytes }))
    const after = await metricsOf(bench)
    const grown = (name: string): number => (after.get(name) ?? NaN) - (before.get(name) ?? NaN)
    const commitBytes = grown('dragoman_journal_bytes_total') / grown('dragoman_commits_total')
    const frameBytes = 4096
    const writeBytes = Math.max(frameBytes, Math.round(commitBytes / frameBytes) * frameBytes)
    const durable = (sample.perSecond ?? NaN) * diskRecordBytes
    const alone = sequentialSyncRate(bench.folder, writeBytes, bench.seconds(10))
    const anew = newFileSyncRate(bench.folder, writeBytes, records * diskRecordBytes)
    const facts = { ...sample, mb: durable / 1e6, kb: writeBytes / 1024 }
    return {
      'of the disk': { ...facts, share: durable / alone.bytesPerSecond },
      'of as much in a new file': { ...facts, share: durable / anew },
    }
  },
}

export const generalWorkloads: readonly Workload[] = [
  start('kafka'),
  start('amqp'),
  start('mqtt'),
  backlog('kafka'),
  backlog('amqp'),
  backlog('mqtt'),
  restart('kafka'),
  restart('amqp'),
  disk,
]
