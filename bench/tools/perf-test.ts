/**
 * RabbitMQ's PerfTest. Limits: a JVM that warms up for some seconds (the first third of each run is left out of the
 * rate, not of the latencies), and which at some ten thousand messages a second takes more processor time than a server.
 */
import { run } from '../../test/support/index.ts'
import { perfTestClasses } from './install.ts'
import { numberIn, ToolError, type Load, type Target } from './load.ts'

const timeoutMs = 60 * 60_000

/** Runs PerfTest with these flags. `counts`: whose messages are the result. */
export async function perfTest(target: Target, counts: 'sent' | 'received', flags: readonly string[]): Promise<Load> {
  const classes = await perfTestClasses()
  const uri = ['--uri', `amqp://guest:guest@${target.host}:${target.port}`]
  const { stdout, stderr } = await run('java', ['-cp', classes, 'com.rabbitmq.perf.PerfTest', ...uri, ...flags], {
    timeoutMs,
  })
  return { ...parsePerfTest(`${stdout}\n${stderr}`, counts), command: ['perf-test', ...flags].join(' ') }
}

export function parsePerfTest(said: string, counts: 'sent' | 'received'): Omit<Load, 'command'> {
  const reasons = /test stopped \((Reached time limit|Producer reached message limit|Consumer reached message limit)/
  if (!reasons.test(said)) throw new ToolError(`PerfTest did not end well:\n${said.slice(-2000)}`)
  const average = numberIn(said, counts === 'sent' ? /sending rate avg: (\d+) msg/ : /receiving rate avg: (\d+) msg/)
  const lines = [...said.matchAll(/time ([\d.]+) s,(.*)$/gm)].map(([, time, rest]) => ({
    time: Number(time),
    rate: Number(new RegExp(`${counts}: (\\d+) msg/s`).exec(rest!)?.[1] ?? 0),
  }))
  const seconds = lines.at(-1)?.time ?? 1
  const counted = lines.filter(({ time }) => time > seconds / 3).map(({ rate }) => rate)
  const whole = lines.reduce((total, { rate }) => total + rate, 0)
  return {
    // The intervals are a second each, but for the last: what they count together is the total to within one of them.
    messages: Math.round(average * seconds) || whole,
    perSecond: lines.length < 6 ? average : counted.reduce((total, rate) => total + rate, 0) / counted.length,
    ...latencyOf(said, counts),
  }
}

function latencyOf(said: string, counts: 'sent' | 'received'): { p50Ms?: number; p99Ms?: number } {
  const which = counts === 'sent' ? 'confirm' : 'consumer'
  const found = new RegExp(`${which} latency min/median/75th/95th/99th [\\d.]+/(\\d+)/\\d+/\\d+/(\\d+) µs`).exec(said)
  return found === null ? {} : { p50Ms: Number(found[1]) / 1000, p99Ms: Number(found[2]) / 1000 }
}
