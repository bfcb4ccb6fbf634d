/** Durable queues, persistent messages, confirms, acknowledgements by hand, with RabbitMQ's PerfTest. */
import type { Bench } from '../harness/bench.ts'
import { perfTest } from '../tools/index.ts'
import { higher, lower, type Sample, type Side, type Workload } from './workload.ts'

const rivals: Side[] = ['rabbitmq/classic', 'rabbitmq/quorum']
const twice = { against: 'rabbitmq/classic', atLeast: 2 } as const

/** Flags of everything here: durable queues that stay. */
export const durable = (bench: Bench): string[] => [
  ...['-f', 'persistent', '-ad', 'false'],
  ...(bench.variant === 'quorum' ? ['-qq'] : []),
]

/** Its producers have up to 500 messages unconfirmed, its consumers 500 unacknowledged. */
const window = ['-c', '500', '-q', '500']

/** The server's own warm-up: the tool's is left out of its figures. */
export const warmUp = (bench: Bench): Promise<unknown> =>
  perfTest(bench.target, {
    counts: 'received',
    flags: [...durable(bench), ...window, '-u', 'warm-up'],
    seconds: bench.seconds(5),
  })

/** A measured run whose result is what the consumers got. */
export function received(bench: Bench, full: number, flags: readonly string[]): Promise<Sample> {
  const options = { counts: 'received', seconds: bench.seconds(full) } as const
  return bench.load((at, watch) => perfTest(at, { ...options, flags: [...durable(bench), ...flags] }, watch))
}

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
      return { through: await received(bench, 15, [...window, ...flags]) }
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
  points: [higher('one in flight'), lower('at 5,000/s', 'p99Ms')],
  run: async (bench) => {
    await warmUp(bench)
    const one = ['-c', '1', '-q', '1', '-s', '100', '-u', 'one']
    const steady = [...window, '-r', '5000', '-s', '100', '-u', 'steady']
    return {
      'one in flight': await received(bench, 10, one),
      'at 5,000/s': await received(bench, 10, steady),
    }
  },
}

const channelsMax = 10

/** So many producers or consumers, as channels of a tenth of the connections when they are many. */
export function clients(side: 'producers' | 'consumers', count: number): string[] {
  const [connections, channels] = side === 'producers' ? ['-x', '-X'] : ['-y', '-Y']
  if (count <= 100) return [connections, String(count)]
  return [connections, String(count / channelsMax), channels, String(channelsMax)]
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
    const queues = ['-qp', 'bench-%d', '-qpf', '1', '-qpt', '1000']
    queues.push(...clients('producers', 1000), ...clients('consumers', 1000))
    // Without a delay all of them publish at the same moment, and the latency is that of a thousand messages at once.
    const pace = ['--publishing-interval', '1', '--producer-random-start-delay', '1']
    pace.push('--producer-scheduler-threads', '10', '-c', '10', '-q', '10')
    const sample = await received(bench, 30, [...queues, ...threads, ...pace, '-s', '100'])
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
    await warmUp(bench)
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
    return { delivered: await received(bench, 15, [...exchange, ...threads, ...pace]) }
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
