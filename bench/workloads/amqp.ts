/** Durable queues, persistent messages, confirms, acknowledgements by hand, with RabbitMQ's PerfTest. */
import type { Bench } from '../harness/bench.ts'
import { perfTest } from '../tools/index.ts'
import { higher, lower, type Side, type Workload } from './workload.ts'

const rivals: Side[] = ['rabbitmq/classic', 'rabbitmq/quorum']
const twice = { against: 'rabbitmq/classic', atLeast: 2 } as const

/** Flags of everything here: durable queues that stay. */
export const durable = (bench: Bench): string[] => [
  ...['-f', 'persistent', '-ad', 'false'],
  ...(bench.variant === 'quorum' ? ['-qq'] : []),
]

const runFor = (bench: Bench, seconds: number): string[] => ['-z', String(bench.seconds(seconds))]

/** Its producers have up to 500 messages unconfirmed, its consumers 500 unacknowledged. */
const window = ['-c', '500', '-q', '500']

/** The server's own warm-up: the tool's is left out of its figures. */
const warmUp = (bench: Bench): Promise<unknown> =>
  perfTest(bench.target, 'received', [...durable(bench), ...window, '-u', 'warm-up', ...runFor(bench, 5)])

function throughput(bytes: number, producers: number, consumers: number): Workload {
  return {
    name: `amqp-${bytes}b-${producers}x${consumers}`,
    title: `AMQP, ${bytes} B messages, ${producers} producers, ${consumers} consumers, one queue`,
    group: 'amqp',
    protocol: 'amqp',
    rivals,
    withOs: true,
    points: [higher('through', twice)],
    run: async (bench) => {
      await warmUp(bench)
      const flags = ['-x', String(producers), '-y', String(consumers), '-s', String(bytes), '-u', 'bench']
      const all = [...durable(bench), ...window, ...flags, ...runFor(bench, 15)]
      return { through: await bench.load((at) => perfTest(at, 'received', all)) }
    },
  }
}

const latency: Workload = {
  name: 'amqp-latency',
  title: 'AMQP, latency, 100 B messages',
  group: 'amqp',
  protocol: 'amqp',
  rivals,
  withOs: true,
  points: [higher('one in flight', twice), lower('at 5,000/s', 'p99Ms')],
  run: async (bench) => {
    await warmUp(bench)
    const one = [...durable(bench), '-c', '1', '-q', '1', '-s', '100', '-u', 'one', ...runFor(bench, 10)]
    const steady = [...durable(bench), ...window, '-r', '5000', '-s', '100', '-u', 'steady', ...runFor(bench, 10)]
    return {
      'one in flight': await bench.load((at) => perfTest(at, 'received', one)),
      'at 5,000/s': await bench.load((at) => perfTest(at, 'received', steady)),
    }
  },
}

const manyQueues: Workload = {
  name: 'amqp-1000-queues',
  title: 'AMQP, 1,000 queues, each with a producer and a consumer and a message a second',
  group: 'amqp',
  protocol: 'amqp',
  rivals: rivals.slice(0, 1),
  points: [lower('1,000/s', 'p99Ms'), lower('cost', 'cpuSecondsPerMillion')],
  run: async (bench) => {
    const threads = ['--heartbeat-sender-threads', '10', '--consumers-thread-pools', '10']
    const queues = ['-qp', 'bench-%d', '-qpf', '1', '-qpt', '1000', '-x', '1000', '-y', '1000']
    const pace = ['--publishing-interval', '1', '--producer-scheduler-threads', '10', '-c', '10', '-q', '10']
    const flags = [...durable(bench), ...queues, ...threads, ...pace, '-s', '100', '-z', String(bench.seconds(30) + 15)]
    const sample = await bench.load((at) => perfTest(at, 'received', flags))
    return { '1,000/s': sample, cost: sample }
  },
}

const fanOut: Workload = {
  name: 'amqp-fanout-100',
  title: 'AMQP, one publish to 100 durable queues, 100 B messages',
  group: 'amqp',
  protocol: 'amqp',
  rivals: rivals.slice(0, 1),
  withOs: true,
  points: [higher('delivered', twice)],
  run: async (bench) => {
    const exchange = [
      '-t',
      'fanout',
      '-e',
      'bench',
      '-qp',
      'bench-%d',
      '-qpf',
      '1',
      '-qpt',
      '100',
      '-x',
      '1',
      '-y',
      '100',
    ]
    const threads = ['--consumers-thread-pools', '4']
    const pace = ['-c', '100', '-q', '100', '-s', '100']
    const flags = [...durable(bench), ...exchange, ...threads, ...pace, ...runFor(bench, 15)]
    return { delivered: await bench.load((at) => perfTest(at, 'received', flags)) }
  },
}

export const amqpWorkloads: readonly Workload[] = [
  throughput(100, 1, 1),
  throughput(1024, 1, 1),
  throughput(100, 4, 4),
  throughput(1024, 4, 4),
  latency,
  manyQueues,
  fanOut,
]
