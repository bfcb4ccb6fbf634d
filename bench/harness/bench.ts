import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { Meter, rssBytesOf, type Usage } from '../measure/process-tree.ts'
import { peers, type Peer, type Server } from '../peers/index.ts'
import type { Load, Target, Watch } from '../tools/index.ts'
import type { Sample, Side, Workload } from '../workloads/workload.ts'

const secondsMin = 3
const mib = 1024 * 1024

export interface BenchOptions {
  workload: Workload
  side: Side
  /** An empty folder on the disk that is measured. */
  folder: string
  /** Shortens everything that can be shorter. */
  scale: number
  profileFolder?: string | undefined
}

/** One run of a workload against one server: what the workload's `run` works with. */
export class Bench {
  readonly folder: string
  readonly side: Side
  /** The commands of the tools, by point. */
  readonly commands: string[] = []
  readonly #options: BenchOptions
  readonly #peer: Peer
  readonly variant: string
  #server: Server | undefined

  constructor(options: BenchOptions) {
    this.#options = options
    this.folder = options.folder
    this.side = options.side
    const [name, variant] = options.side.split('/')
    this.variant = variant!
    this.#peer = peers[name!]!
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('no server runs')
    return this.#server
  }

  get target(): Target {
    return { host: '127.0.0.1', port: this.server.port(this.#options.workload.protocol) }
  }

  count(full: number): number {
    return Math.max(100, Math.round(full * this.#options.scale))
  }

  seconds(full: number): number {
    return Math.max(secondsMin, Math.round(full * Math.min(1, this.#options.scale)))
  }

  async start(): Promise<void> {
    const { folder, profileFolder, workload } = this.#options
    const { protocol } = workload
    this.#server = await this.#peer.start({ folder, variant: this.variant, protocol, profileFolder })
  }

  async stop(how: 'properly' | 'at once'): Promise<void> {
    await this.#server?.stop(how)
    this.#server = undefined
  }

  /** Stops and starts again over the same data; `cold`: with nothing of it in the memory of the operating system. */
  async restart(how: 'properly' | 'at once', cold = false): Promise<void> {
    await this.stop(how)
    if (cold) forgetFiles(this.folder)
    await this.start()
  }

  rssMb(): number {
    return rssBytesOf(this.server.pid) / mib
  }

  /** Runs a load tool and adds what the server spent meanwhile, or in the part that the tool calls its load. */
  async load(tool: (target: Target, watch: Watch) => Promise<Load>): Promise<Sample> {
    const { pid } = this.server
    let meter = new Meter(pid)
    let atEnd: Usage | undefined
    const begins = (): void => {
      meter.finish()
      meter = new Meter(pid)
    }
    try {
      const { command, ...load } = await tool(this.target, { begins, ends: () => (atEnd ??= meter.finish()) })
      const usage = atEnd ?? meter.finish()
      if (!this.commands.includes(command)) this.commands.push(command)
      return {
        ...load,
        cpuSecondsPerMillion: (usage.cpuSeconds / load.messages) * 1e6,
        rssPeakMb: usage.rssPeakBytes / mib,
        writtenMb: usage.writtenBytes / mib,
      }
    } finally {
      meter.finish()
    }
  }
}

/** Drops the pages of every file below, one by one, so that nobody else on this machine is slowed down. */
function forgetFiles(folder: string): void {
  execFileSync('sync')
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    execFileSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
}
