/** Whether a message costs more when there is more of everything: a point for each size, a line for each server. */
import type { Bench } from '../harness/bench.ts'
import { kafkaTools, mqttwrk, perfTest, rdkafka } from '../tools/index.ts'
import * as amqp from './amqp.ts'
import * as kafka from './kafka.ts'
import { higher, type Sample, type Side, type Workload } from './workload.ts'

const decades = [1, 10, 100, 1000]

/** Else the first size would be that of a server that has just been started, and growth would look like a gain. */
const warmUps: Partial<Record<Workload['protocol'], (bench: Bench) => Promise<unknown>>> = {
  kafka: kafka.warmUp,
  amqp: amqp.warmUp,
}

type Measure = (bench: Bench, size: number) => Promise<Sample>

function growth(
  name: string,
  title: string,
  axis: string,
  protocol: Workload['protocol'],
  rival: Side,
  sizes: readonly number[],
  measure: Measure,
): Workload {
  return {
    name: `growth-${name}`,
    title,
    group: 'growth',
    protocol,
    rivals: [rival],
    pairsMax: 2,
    axis,
    points: sizes.map((size) => higher(String(size))),
    run: async (bench) => {
      await warmUps[protocol]?.(bench)
      const samples: Record<string, Sample> = {}
      for (const size of sizes) samples[size] = await measure(bench, size)
      return samples
    },
  }
}

const kafkaPartitions: Measure = async (bench, partitions) => {
  const topic = `bench-${partitions}`
  await kafkaTools.createTopic(bench.target, topic, partitions)
  return bench.load((to) => kafkaTools.produce(to, { topic, records: bench.count(1_000_000), recordBytes: 100 }))
}

const threads = ['--consumers-thread-pools', '10', '--heartbeat-sender-threads', '10']

/** A producer and a consumer for each queue. */
const amqpQueues: Measure = (bench, queues) => {
  const pattern = ['-qp', `bench-${queues}-%d`, '-qpf', '1', '-qpt', String(queues)]
  const inFlight = String(Math.max(2, Math.round(1000 / queues)))
  const flags = [...pattern, ...amqp.clients('producers', queues), ...amqp.clients('consumers', queues), ...threads]
  return amqp.received(bench, 15, [...flags, '-c', inFlight, '-q', inFlight, '-s', '100'])
}

const amqpConsumers: Measure = (bench, consumers) => {
  const flags = ['-x', '1', ...amqp.clients('consumers', consumers), ...threads, '-u', `bench-${consumers}`]
  const prefetch = String(Math.max(2, Math.round(1000 / consumers)))
  return amqp.received(bench, 15, [...flags, '-c', '500', '-q', prefetch, '-s', '100'])
}

/** Each subscriber gets every message: the rate is that of deliveries. */
const mqttSubscribers: Measure = (bench, subscribers) => {
  const messages = bench.count(2_000_000 / subscribers)
  const load = { publishers: 1, subscribers, qos: 0, payloadBytes: 100, messages } as const
  return bench.load((at) => mqttwrk.bench(at, load))
}

const megabytes = [1, 100, 10_000]

/** Appends beside so much that is stored: the rate of new records, then read back from the beginning. */
const kafkaBacklog: Measure = async (bench, size) => {
  const topic = `bench-${size}`
  await kafkaTools.createTopic(bench.target, topic, 1)
  await rdkafka.produce(bench.target, { topic, records: bench.count((size * 1e6) / 1024), recordBytes: 1024 })
  return bench.load((to) => rdkafka.produce(to, { topic, records: bench.count(4_000_000), recordBytes: 100 }))
}

/** Publishes to a queue that has so much waiting, and consumes what waits. */
const amqpBacklog: Measure = async (bench, size) => {
  const queue = ['-u', `bench-${size}`]
  const bytes = 10_240
  const stored = String(bench.count((size * 1e6) / bytes))
  const fill = [...amqp.durable(bench), ...queue, '-x', '1', '-y', '0', '-c', '200', '-s', String(bytes), '-C', stored]
  await perfTest(bench.target, { counts: 'sent', flags: fill })
  const flags = [...amqp.durable(bench), ...queue, '-c', '500', '-q', '500', '-s', '100']
  return bench.load((at, watch) => perfTest(at, { counts: 'sent', flags, seconds: bench.seconds(15) }, watch))
}

export const growthWorkloads: readonly Workload[] = [
  growth('partitions', 'Kafka: produce, 100 B', 'partitions', 'kafka', 'kafka/shipped', decades, kafkaPartitions),
  growth('queues', 'AMQP: through, 100 B', 'queues', 'amqp', 'rabbitmq/classic', decades, amqpQueues),
  growth('amqp-consumers', 'AMQP: through, 100 B', 'consumers', 'amqp', 'rabbitmq/classic', decades, amqpConsumers),
  growth('mqtt-subscribers', 'MQTT: QoS 0', 'subscribers', 'mqtt', 'mosquitto/shipped', decades, mqttSubscribers),
  growth('kafka-backlog', 'Kafka: produce', 'MB of backlog', 'kafka', 'kafka/shipped', megabytes, kafkaBacklog),
  growth('amqp-backlog', 'AMQP: publish', 'MB of backlog', 'amqp', 'rabbitmq/classic', megabytes, amqpBacklog),
]
