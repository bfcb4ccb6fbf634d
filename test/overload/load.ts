import { createInterface } from 'node:readline'
import type { Running, Tool } from '../support/index.ts'

/** One report of the load program: what happened, and numbers about it. */
export interface Report {
  event: string
  connections: number
  failures: number
  errors: string[] | null
  seconds: number
  messages: number
  answered: number
  refused: number
  bytes: number
  oldestUs: number
  blocked: number
  unblocked: number
  throttleMs: number
  writeBlockedMs: number
  receiveMaximum: number
  /** Connections that ended before their time, and why. */
  lost: number
  lostErrors: string[] | null
  /** What the publisher has got answered that got the fewest answers, and the longest that one went without any. */
  least: number
  longestMs: number
  answeredUs: number[] | null
  deliveredUs: number[] | null
  sent: number
  error?: string
}

export type Flags = Readonly<Record<string, string | number | boolean>>

const flagTexts = (flags: Flags): string[] => Object.entries(flags).map(([name, value]) => `-${name}=${value}`)

/** The load program in one role, in a process of its own. */
export class Load {
  readonly role: string
  readonly running: Running
  readonly reports: Report[] = []
  onReport: (report: Report) => void = () => undefined

  constructor(tool: Tool, role: string, flags: Flags, timeoutMs: number) {
    this.role = role
    this.running = tool.start([role, ...flagTexts(flags)], { timeoutMs })
    this.running.child.stdin?.on('error', () => undefined)
    const lines = createInterface({ input: this.running.child.stdout! })
    lines.on('line', (line) => {
      if (!line.startsWith('{')) return
      const report = JSON.parse(line) as Report
      this.reports.push(report)
      this.onReport(report)
    })
  }

  tell(command: string): void {
    this.running.write(`${command}\n`)
  }

  get last(): Report | undefined {
    return this.reports.at(-1)
  }

  /** The first report of that kind. A process that ends without it, or says `failed`, fails the test. */
  async wait(event: string, timeoutMs = 120_000): Promise<Report> {
    const until = Date.now() + timeoutMs
    for (;;) {
      const found = this.reports.find((report) => report.event === event)
      if (found !== undefined) return found
      const failed = this.reports.find((report) => report.event === 'failed')
      const ended = this.running.child.exitCode !== null || this.running.child.signalCode !== null
      if (failed !== undefined || ended || Date.now() > until) {
        const last = JSON.stringify(this.last ?? null).slice(0, 500)
        throw new Error(`${this.role}: no "${event}": ${failed?.error ?? this.running.stderr} last: ${last}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async stop(): Promise<void> {
    await this.running.stop('SIGKILL')
  }
}
