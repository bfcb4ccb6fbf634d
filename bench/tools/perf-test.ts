/**
 * RabbitMQ's PerfTest. Limits: a JVM that warms up for some seconds (the first third of each run is left out of the
 * rate, not of the latencies), and which at some ten thousand messages a second takes more processor time than a server.
 */
import { run } from '../../test/support/index.ts'
import { perfTestClasses } from './install.ts'
import { numberIn, ToolError, type Load, type Target } from './load.ts'

const timeoutMs = 60 * 60_000

export interface Options {
  /** Whose messages are the result. */
  counts: 'sent' | 'received'
  flags: readonly string[]
  /** How long it runs; without it until the number of messages in the flags is reached. */
  seconds?: number
  /** Connections, channels and queues to make before that: the tool gives up when that alone takes `seconds`. */
  toSetUp?: number
}

const setUpPerSecond = 20
const setUpSecondsMin = 10

export async function perfTest(target: Target, options: Options): Promise<Load> {
  const { counts, seconds, toSetUp = 0 } = options
  const setUpSeconds = toSetUp === 0 ? 0 : setUpSecondsMin + Math.ceil(toSetUp / setUpPerSecond)
  const limit = Math.max(seconds ?? 0, setUpSeconds)
  const flags = [...options.flags, ...(seconds === undefined ? [] : ['-z', String(limit)])]
  const uri = ['--uri', `amqp://guest:guest@${target.host}:${target.port}`]
  const args = ['-cp', await perfTestClasses(), 'com.rabbitmq.perf.PerfTest', ...uri, ...flags]
  // It ends badly, after its figures, when the server took too long to close a hundred connections.
  const { stdout, stderr } = await run('java', args, { timeoutMs, allowFailure: true })
  return { ...parsePerfTest(`${stdout}\n${stderr}`, counts, seconds), command: ['perf-test', ...flags].join(' ') }
}

/** The rate is that of the last two thirds of `seconds`, or of the whole run. */
export function parsePerfTest(said: string, counts: Options['counts'], seconds?: number): Omit<Load, 'command'> {
  const reasons = /test stopped \((Reached time limit|Producer reached message limit|Consumer reached message limit)/
  if (!reasons.test(said)) throw new ToolError(`PerfTest did not end well:\n${said.slice(-2000)}`)
  const average = numberIn(said, counts === 'sent' ? /sending rate avg: (\d+) msg/ : /receiving rate avg: (\d+) msg/)
  const intervals = [...said.matchAll(/time ([\d.]+) s,(.*)$/gm)].map(([, time, rest]) => ({
    time: Number(time),
    rate: Number(new RegExp(`${counts}: (\\d+) msg/s`).exec(rest!)?.[1] ?? 0),
  }))
  const end = intervals.at(-1)?.time ?? 1
  const counted = seconds === undefined ? [] : intervals.filter(({ time }) => time > end - (seconds * 2) / 3)
  return {
    messages: Math.round(average * end),
    perSecond: counted.length === 0 ? average : counted.reduce((sum, { rate }) => sum + rate, 0) / counted.length,
    ...latencyOf(said, counts),
  }
}

function latencyOf(said: string, counts: 'sent' | 'received'): { p50Ms?: number; p99Ms?: number } {
  const which = counts === 'sent' ? 'confirm' : 'consumer'
  const found = new RegExp(`${which} latency min/median/75th/95th/99th [\\d.]+/(\\d+)/\\d+/\\d+/(\\d+) µs`).exec(said)
  return found === null ? {} : { p50Ms: Number(found[1]) / 1000, p99Ms: Number(found[2]) / 1000 }
}
