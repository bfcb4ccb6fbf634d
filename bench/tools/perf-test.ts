/**
 * RabbitMQ's PerfTest. Limits: a JVM that warms up for some seconds (the first third of a run with a time is left out of
 * its figures), and which at some ten thousand messages a second takes more processor time than a server.
 */
import { start, type Running } from '../../test/support/index.ts'
import { median } from '../measure/statistics.ts'
import { perfTestClasses } from './install.ts'
import { numberIn, ToolError, type Load, type Target, type Watch } from './load.ts'

const timeoutMs = 60 * 60_000

export interface Options {
  /** Whose messages are the result. */
  counts: 'sent' | 'received'
  flags: readonly string[]
  /** How long it runs; without it until the number of messages in the flags is reached. */
  seconds?: number
}

/** The time limit (-z) begins when all is connected, declared and consumed from, however long that took. */
export async function perfTest(target: Target, options: Options, watch?: Watch): Promise<Load> {
  const { counts, seconds } = options
  const flags = [...options.flags, ...(seconds === undefined ? [] : ['-z', String(seconds)])]
  const uri = ['--uri', `amqp://guest:guest@${target.host}:${target.port}`]
  const args = ['-cp', await perfTestClasses(), 'com.rabbitmq.perf.PerfTest', ...uri, ...flags]
  const tool = start('java', args, { timeoutMs })
  if (watch !== undefined) follow(tool, watch, seconds)
  // Its exit code is not looked at: what it said is, which begins with why it stopped.
  const { stdout, stderr } = await tool.ended
  return { ...parsePerfTest(`${stdout}\n${stderr}`, counts, seconds), command: ['perf-test', ...flags].join(' ') }
}

const settingUp = ', starting '
const interval = /time ([\d.]+) s,(.*)$/gm
const lapMs = 50

/** A thousand channels cost a server more processor time than the messages of some seconds: the watch leaves them out. */
function follow({ child }: Running, watch: Watch, seconds = Infinity): void {
  let lap: NodeJS.Timeout | undefined
  let intervals = 0
  child.stdout?.on('data', (text: string) => {
    if (text.includes(settingUp)) {
      // Not for each of its lines: reading a server's usage takes some milliseconds itself.
      lap ??= setTimeout(() => {
        lap = undefined
        watch.begins()
      }, lapMs)
    }
    intervals += [...text.matchAll(interval)].length
    if (intervals >= seconds) watch.ends()
  })
  child.once('close', () => clearTimeout(lap))
}

/**
 * Of a run of `seconds`: rate and latencies are those of its last two thirds, the messages are those of its seconds. What
 * comes after them is left out: the tool prints on while it closes its connections, which takes seconds when they are many.
 */
export function parsePerfTest(said: string, counts: Options['counts'], seconds?: number): Omit<Load, 'command'> {
  const reasons = /test stopped \((Reached time limit|Producer reached message limit|Consumer reached message limit)/
  if (!reasons.test(said)) throw new ToolError(`PerfTest did not end well:\n${said.slice(-2000)}`)
  const lines = [...said.matchAll(interval)].map(([, time, rest]) => ({
    time: Number(time),
    rate: Number(new RegExp(`${counts}: (\\d+) msg/s`).exec(rest!)?.[1] ?? 0),
    latency: latencyIn(rest!, counts, ': '),
  }))
  if (seconds === undefined) {
    const average = numberIn(said, counts === 'sent' ? /sending rate avg: (\d+) msg/ : /receiving rate avg: (\d+) msg/)
    const messages = Math.round(average * (lines.at(-1)?.time ?? 1))
    return { messages, perSecond: average, ...latencyIn(said, counts, ' min/median/75th/95th/99th ') }
  }
  const counted = lines.slice(Math.ceil(seconds / 3), seconds)
  if (counted.length === 0) throw new ToolError(`PerfTest ended too early:\n${said.slice(-2000)}`)
  // Of each second's percentiles the median: those of the whole run are those of a JVM that has just been started.
  const latencies = counted.flatMap(({ latency }) => latency ?? [])
  return {
    messages: sum(lines.slice(0, seconds).map(({ rate }) => rate)),
    perSecond: sum(counted.map(({ rate }) => rate)) / counted.length,
    ...(latencies.length > 0 && {
      p50Ms: median(latencies.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(latencies.map(({ p99Ms }) => p99Ms)),
    }),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** From the line of a second or from the one of the whole run, which differ in what stands before the numbers. */
function latencyIn(
  said: string,
  counts: Options['counts'],
  before: string,
): { p50Ms: number; p99Ms: number } | undefined {
  const which = counts === 'sent' ? 'confirm' : 'consumer'
  const found = new RegExp(`${which} latency${before}[\\d.]+/(\\d+)/\\d+/\\d+/(\\d+) µs`).exec(said)
  return found === null ? undefined : { p50Ms: Number(found[1]) / 1000, p99Ms: Number(found[2]) / 1000 }
}
