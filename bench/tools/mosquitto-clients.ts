/**
 * Mosquitto's own clients, for what mqttwrk cannot do: sessions that last, and the time from one client to the other.
 * The harness only writes the time on lines that `mosquitto_pub -l` publishes and `mosquitto_sub -F %U` stamps.
 */
import { run, start, type Running } from '../../test/support/index.ts'
import { percentile } from '../measure/statistics.ts'
import { ToolError, type Load, type Target } from './load.ts'

const timeoutMs = 30 * 60_000

const at = ({ host, port }: Target): string[] => ['-h', host, '-p', String(port)]

/** Makes a session of QoS 1 that lasts, and leaves it. */
export async function leaveSession(target: Target, id: string, topic: string): Promise<void> {
  await run('mosquitto_sub', [...at(target), '-c', '-i', id, '-q', '1', '-t', topic, '-E'])
}

/** Takes up such a session and takes so many messages from it. */
export function takeUpSession(target: Target, id: string, topic: string, messages: number): Running {
  const args = ['-c', '-i', id, '-q', '1', '-t', topic, '-C', String(messages), '-F', '.']
  return start('mosquitto_sub', [...at(target), ...args], { timeoutMs })
}

/** Takes all that waits in such a session. */
export async function drain(target: Target, id: string, topic: string, messages: number): Promise<Load> {
  const began = performance.now()
  await takeUpSession(target, id, topic, messages).ended
  const perSecond = messages / ((performance.now() - began) / 1000)
  return { messages, perSecond, command: `mosquitto_sub -c -i ${id} -q 1 -t ${topic} -C ${messages}` }
}

export interface Latency {
  qos: 0 | 1
  rate: number
  seconds: number
  payloadBytes: number
}

export async function latency(target: Target, { qos, rate, seconds, payloadBytes }: Latency): Promise<Load> {
  const messages = Math.floor(rate * seconds)
  const flags = ['-t', 'bench/latency', '-q', String(qos)]
  const subscriber = start('mosquitto_sub', [...at(target), ...flags, '-C', String(messages), '-F', '%U %p'], {
    timeoutMs,
  })
  const publisher = start('mosquitto_pub', [...at(target), ...flags, '-l'], { timeoutMs })
  try {
    await new Promise((resolve) => setTimeout(resolve, 1000)) // both are connected, the one has subscribed
    await feed(publisher, messages, rate, payloadBytes)
    publisher.child.stdin?.end()
    const { stdout } = await subscriber.ended
    const command = ['mosquitto_pub', ...flags, '-l'].join(' ')
    return { messages, perSecond: rate, ...parseStamps(stdout, messages), command }
  } finally {
    await Promise.all([subscriber.stop('SIGKILL'), publisher.stop('SIGKILL')])
  }
}

/** Writes stamped lines at `rate`, those that are due each millisecond. */
async function feed(publisher: Running, messages: number, rate: number, payloadBytes: number): Promise<void> {
  const now = wallClock()
  const began = performance.now()
  for (let sent = 0; sent < messages;) {
    const due = Math.min(messages, Math.floor(((performance.now() - began) / 1000) * rate))
    let lines = ''
    for (; sent < due; sent++) lines += `${now().toFixed(6)} `.padEnd(payloadBytes, '.') + '\n'
    if (lines !== '') publisher.write(lines)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** The clock that the subscriber stamps with, in milliseconds and finer than Date.now, which is whole ones. */
function wallClock(): () => number {
  const before = Date.now()
  let tick = before
  while (tick === before) tick = Date.now()
  const offset = tick - performance.now()
  return () => offset + performance.now()
}

/** Lines of when it came (seconds) and when it was sent (milliseconds); the first fifth is the warm-up. */
export function parseStamps(said: string, messages: number): { p50Ms: number; p99Ms: number } {
  const lines = said.trim().split('\n')
  if (lines.length !== messages) throw new ToolError(`${lines.length} of ${messages} messages came`)
  const tookMs = lines.map((line) => {
    const [came, sent] = line.split(' ')
    return Number(came) * 1000 - Number(sent)
  })
  const counted = tookMs.slice(Math.floor(tookMs.length / 5))
  return { p50Ms: percentile(counted, 0.5), p99Ms: percentile(counted, 0.99) }
}
