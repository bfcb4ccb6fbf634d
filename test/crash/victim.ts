import { createServer } from 'node:net'
import path from 'node:path'
import { root, start, type Running } from '../support/index.ts'
import type { Ports } from './loads/load.ts'

/** Small everything: in a minute segments fill, are merged and used again, and checkpoints are made between most kills. */
const storage = ['segmentBytes=2MiB', 'checkpointBytes=2MiB', 'mergeAfterMs=500'].flatMap((each) => [
  '--set',
  `storage.${each}`,
])

/**
 * Ports that stay ours while the broker is away: below the range from which systems give out ports of outgoing
 * connections, or some other program's socket would sit there when it comes back.
 */
export async function stablePorts(random: () => number): Promise<Ports> {
  const found: number[] = []
  while (found.length < 3) {
    const port = 15_000 + Math.floor(random() * 15_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free && !found.includes(port)) found.push(port)
  }
  const [kafka, amqp, mqtt] = found as [number, number, number]
  return { kafka, amqp, mqtt }
}

/** The real process, over one data folder and on the same ports, one after the other. */
export class Victim {
  readonly data: string
  private readonly flags: string[]
  private running: Running | undefined
  /** What the last complete start took. */
  startMs = 500

  constructor(data: string, ports: Ports, more: readonly string[] = []) {
    this.data = data
    const listen = Object.entries(ports).flatMap(([name, port]) => ['--listen', `${name}=127.0.0.1:${port}`])
    const off = ['--listen', 'mqtt-ws=off', '--listen', 'http=off', '--log-level', 'warn']
    this.flags = ['serve', '--data', data, ...listen, ...off, ...storage, ...more]
  }

  /** Not awaited, the process is killed while it starts. */
  launch(): Running {
    const main = path.join(root, 'dist/bin.js')
    return (this.running = start(process.execPath, [main, ...this.flags], { cwd: root, timeoutMs: 86_400_000 }))
  }

  async ready(): Promise<void> {
    const began = performance.now()
    await this.launch().waitFor(/ready in \d+ ms/, 60_000)
    this.startMs = performance.now() - began
  }

  /** SIGKILL; throws when it had ended by itself before. */
  async kill(): Promise<void> {
    const { child, ended } = this.running!
    if (!child.kill('SIGKILL')) throw new Error(`the broker had ended by itself: ${(await ended).stderr}`)
    const { code, stderr } = await ended
    if (code !== null) throw new Error(`the broker ended by itself with ${code}: ${stderr}`)
  }

  async stop(): Promise<{ code: number | null; stderr: string }> {
    return this.running!.stop('SIGTERM')
  }

  async end(): Promise<void> {
    await this.running?.stop('SIGKILL')
  }
}
