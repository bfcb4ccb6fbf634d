/**
 * librdkafka's `rdkafka_performance`: a fifth of the processor time of the Java tools. Limits: its rate is paced message
 * by message and falls short of what was asked when the cores are busy (the rate that came is in the results); it
 * consumes from named partitions, without a group.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { run, start } from '../../test/support/index.ts'
import { rdkafkaPerformance } from '../install/index.ts'
import { percentile } from '../measure/statistics.ts'
import { lastNumbersIn, ToolError, type Load, type Target } from './load.ts'

const timeoutMs = 30 * 60_000
const at = ({ host, port }: Target): string[] => ['-b', `${host}:${port}`]
const named = (args: readonly string[]): string => ['rdkafka_performance', ...args].join(' ')

/**
 * The library's default. The tool itself sets a second, for which its last batches wait when the records are out: of a
 * run of two seconds that is half, on every server, and all come out alike.
 */
const linger = ['-X', 'linger.ms=5']

export interface Produce {
  topic: string
  records: number
  recordBytes: number
}

export async function produce(target: Target, { topic, records, recordBytes }: Produce): Promise<Load> {
  const args = ['-P', '-t', topic, '-s', String(recordBytes), '-c', String(records), '-a', '-1', ...linger]
  const { stdout, stderr } = await run(await rdkafkaPerformance(), [...args, ...at(target)], { timeoutMs })
  return { ...parseProduce(`${stdout}\n${stderr}`), command: named(args) }
}

export function parseProduce(said: string): Omit<Load, 'command'> {
  const summary = /^% (\d+) messages produced .*, (\d+) failed\) in \d+ms: ([\d.]+) msgs\/s/
  const [messages, failed, perSecond] = lastNumbersIn(said, summary)
  if (failed! > 0) throw new ToolError(`${failed} messages failed:\n${said.slice(-2000)}`)
  return { messages: messages!, perSecond: perSecond! }
}

export async function consume(target: Target, topic: string, partitions: number, records: number): Promise<Load> {
  const which = Array.from({ length: partitions }, (_, partition) => ['-p', String(partition)]).flat()
  const args = ['-C', '-t', topic, ...which, '-o', 'beginning', '-c', String(records)]
  const { stdout, stderr } = await run(await rdkafkaPerformance(), [...args, ...at(target)], { timeoutMs })
  return { ...parseConsume(`${stdout}\n${stderr}`), command: named(args) }
}

export function parseConsume(said: string): Omit<Load, 'command'> {
  const [messages, perSecond] = lastNumbersIn(said, /^% (\d+) messages .* consumed in \d+ms: ([\d.]+) msgs\/s/)
  return { messages: messages!, perSecond: perSecond! }
}

/** A producer at a fixed rate and a consumer at the end of the log: from one's clock to the other's, of each message. */
export async function latency(target: Target, options: Produce & { rate: number; folder: string }): Promise<Load> {
  const { topic, records, recordBytes, rate, folder } = options
  const tool = await rdkafkaPerformance()
  const file = path.join(folder, 'latencies')
  const consumerArgs = ['-C', '-t', topic, '-p', '0', '-o', 'end', '-l', '-A', file, '-c', String(records), '-u']
  const producerArgs = ['-P', '-t', topic, '-p', '0', '-l', '-s', String(recordBytes), '-a', '-1', '-r', String(rate)]
  producerArgs.push('-c', String(records), '-X', 'linger.ms=0', '-u')
  const consumer = start(tool, [...consumerArgs, ...at(target)], { timeoutMs })
  try {
    await new Promise((resolve) => setTimeout(resolve, 2000)) // it must have found the end of the log
    const began = performance.now()
    await run(tool, [...producerArgs, ...at(target)], { timeoutMs })
    const seconds = (performance.now() - began) / 1000
    await consumer.ended
    const load = { messages: records, perSecond: records / seconds, command: named(producerArgs) }
    return { ...load, ...parseLatencies(readFileSync(file, 'utf8')) }
  } finally {
    await consumer.stop('SIGKILL')
  }
}

/** One latency a line, in microseconds; the first fifth is the warm-up. */
export function parseLatencies(text: string): { p50Ms: number; p99Ms: number } {
  const all = text.trim().split('\n').map(Number)
  const counted = all.slice(Math.floor(all.length / 5))
  return { p50Ms: percentile(counted, 0.5) / 1000, p99Ms: percentile(counted, 0.99) / 1000 }
}
