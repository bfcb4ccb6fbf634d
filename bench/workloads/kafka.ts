/** Produce and consume with the tools of Kafka and of librdkafka; latency at a fixed rate. */
import { kafkaTools, rdkafka } from '../tools/index.ts'
import type { Bench } from '../harness/bench.ts'
import { higher, lower, type Side, type Workload } from './workload.ts'

/** Differs only when it writes: it reads as `shipped` does. */
const flushing: Side = 'kafka/flush'
const rivals: Side[] = ['kafka/shipped', flushing]
const topic = 'bench'
const sizes = [100, 1024]
const partitionCounts = [1, 12]

const points = [
  higher('produce', { against: 'kafka/shipped', atLeast: 1 }, { against: flushing, atLeast: 3 }),
  higher('consume warm', { against: 'kafka/shipped', atLeast: 1 }),
  higher('consume cold', { against: 'kafka/shipped', atLeast: 1 }),
]

/** About 300 MB, and at least half a million records, so that a run is some seconds long. */
const recordsOf = (recordBytes: number): number => Math.max(500_000, Math.round(3e8 / recordBytes))

/** A server that has just been started runs much slower than one that has run for a while, on a JVM above all. */
export async function warmUp(bench: Bench): Promise<void> {
  const warm = 'warm-up'
  const records = bench.count(4_000_000)
  await kafkaTools.createTopic(bench.target, warm, 1)
  await rdkafka.produce(bench.target, { topic: warm, records, recordBytes: 100 })
  if (bench.side !== flushing) await rdkafka.consume(bench.target, warm, 1, records)
}

function javaTools(recordBytes: number, partitions: number, codec: 'none' | 'lz4'): Workload {
  return {
    name: `kafka-${recordBytes}b-${partitions}p${codec === 'none' ? '' : `-${codec}`}`,
    title: `Kafka, ${recordBytes} B records, ${partitions} partitions, ${codec === 'none' ? 'not compressed' : codec}`,
    group: 'kafka',
    protocol: 'kafka',
    rivals,
    withOs: true,
    points,
    run: async (bench) => {
      const records = bench.count(recordsOf(recordBytes))
      const properties = codec === 'none' ? [] : [`compression.type=${codec}`]
      await warmUp(bench)
      await kafkaTools.createTopic(bench.target, topic, partitions)
      const produce = await bench.load((to) => kafkaTools.produce(to, { topic, records, recordBytes, properties }))
      if (bench.side === flushing) return { produce }
      const warm = await bench.load((from) => kafkaTools.consume(from, topic, records))
      await bench.restart('properly', true)
      const cold = await bench.load((from) => kafkaTools.consume(from, topic, records))
      return { produce, 'consume warm': warm, 'consume cold': cold }
    },
  }
}

function librdkafka(recordBytes: number, partitions: number): Workload {
  return {
    name: `kafka-librdkafka-${recordBytes}b-${partitions}p`,
    title: `Kafka, librdkafka, ${recordBytes} B records, ${partitions} partitions`,
    group: 'kafka',
    protocol: 'kafka',
    rivals,
    points: points.slice(0, 2),
    run: async (bench) => {
      const records = bench.count(recordsOf(recordBytes))
      await warmUp(bench)
      await kafkaTools.createTopic(bench.target, topic, partitions)
      const produce = await bench.load((to) => rdkafka.produce(to, { topic, records, recordBytes }))
      if (bench.side === flushing) return { produce }
      const warm = await bench.load((from) => rdkafka.consume(from, topic, partitions, records))
      return { produce, 'consume warm': warm }
    },
  }
}

const latency: Workload = {
  name: 'kafka-latency',
  title: 'Kafka, latency, 100 B records',
  group: 'kafka',
  protocol: 'kafka',
  rivals,
  withOs: true,
  points: [
    lower('end to end at 10,000/s', 'p99Ms', { against: 'kafka/shipped', atMost: 1 }),
    lower('acknowledged at 10,000/s', 'p99Ms'),
    lower('end to end, one in flight', 'p50Ms'),
  ],
  run: async (bench) => {
    await warmUp(bench)
    await kafkaTools.createTopic(bench.target, topic, 1)
    const rate = 10_000
    const records = rate * bench.seconds(15)
    const acknowledged = await bench.load((to) => kafkaTools.produce(to, { topic, records, recordBytes: 100, rate }))
    const endToEnd = await bench.load((to) =>
      rdkafka.latency(to, { topic, records, recordBytes: 100, rate, folder: bench.folder }),
    )
    await kafkaTools.createTopic(bench.target, 'one-in-flight', 1)
    const oneInFlight = await bench.load((to) => kafkaTools.endToEnd(to, 'one-in-flight', bench.count(5000), 100))
    return {
      'end to end at 10,000/s': endToEnd,
      'acknowledged at 10,000/s': acknowledged,
      'end to end, one in flight': oneInFlight,
    }
  },
}

const each = <T>(run: (recordBytes: number, partitions: number) => T): T[] =>
  sizes.flatMap((recordBytes) => partitionCounts.map((partitions) => run(recordBytes, partitions)))

export const kafkaWorkloads: readonly Workload[] = [
  ...each((recordBytes, partitions) => javaTools(recordBytes, partitions, 'none')),
  ...each((recordBytes, partitions) => javaTools(recordBytes, partitions, 'lz4')),
  ...each(librdkafka),
  latency,
]
