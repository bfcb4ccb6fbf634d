import { createInterface } from 'node:readline'
import type { Running, Tool } from '../../support/index.ts'
import { sleep, type Counts, type Load, type Ports } from './load.ts'

interface Report {
  event: 'ready' | 'progress' | 'done' | 'broken'
  why?: string
  loads?: (Counts & { name: string })[]
}

export const txName = 'AMQP, tx consumer'

/** The clients in Go, one process: franz-go, idempotent and in a group, and amqp091-go with transactions. */
export class ProgramLoad implements Load {
  readonly name = 'Go clients'
  private readonly tool: Tool
  private running: Running | undefined
  private last: Report | undefined
  private ready = false
  private closed = false

  constructor(tool: Tool) {
    this.tool = tool
  }

  get names(): string[] {
    return this.last?.loads?.map(({ name }) => name) ?? []
  }

  async start(ports: Ports, fail: (error: Error) => void): Promise<void> {
    const flags = [`-kafka=127.0.0.1:${ports.kafka}`, `-amqp=127.0.0.1:${ports.amqp}`]
    const running = (this.running = this.tool.start(flags, { timeoutMs: 86_400_000 }))
    running.child.stdin?.on('error', () => undefined)
    createInterface({ input: running.child.stdout! }).on('line', (line) => {
      const report = JSON.parse(line) as Report
      // Only the last one counts, and a long run says it very often.
      running.stdout = ''
      if (report.event === 'ready') this.ready = true
      else if (report.event === 'broken') fail(new Error(`Go clients: ${report.why}`))
      else this.last = report
    })
    void running.ended.then(({ stderr }) => {
      if (!this.closed) fail(new Error(`the Go clients ended: ${stderr}`))
    })
    while (!this.ready) await sleep(20)
  }

  async stop(): Promise<void> {
    this.running!.write('stop\n')
    while (this.last?.event !== 'done') await sleep(20)
  }

  counts(): Counts[] {
    return this.last?.loads ?? []
  }

  of(name: string): Counts | undefined {
    return this.last?.loads?.find((load) => load.name === name)
  }

  async close(): Promise<void> {
    this.closed = true
    await this.running?.stop('SIGKILL')
  }
}
