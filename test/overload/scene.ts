import path from 'node:path'
import type { TestContext } from 'node:test'
import { eventually, root, run, spawnTestBroker, type SpawnedBroker, type Tool } from '../support/index.ts'
import { Bystander } from './bystander.ts'
import { Load, type Flags } from './load.ts'
import { cpuMs, MemoryWatch } from './process-facts.ts'

export const loadFolder = path.join(root, 'test/overload/load')

export interface SceneOptions {
  tool: Tool
  /** More command line flags of the broker. */
  flags?: string[]
  env?: Record<string, string>
  timeoutMs: number
}

let built: Promise<unknown> | undefined

/** The built command under load, and the clients around it. All of it ends with the test. */
export class Scene {
  readonly broker: SpawnedBroker
  readonly memory: MemoryWatch
  readonly t: TestContext
  private readonly options: SceneOptions

  static async open(t: TestContext, options: SceneOptions): Promise<Scene> {
    built ??= run(process.execPath, ['scripts/build.mjs', '--bundle-only'], { cwd: root })
    await built
    const { flags, env, timeoutMs } = options
    const broker = await spawnTestBroker(t, {
      main: 'dist/bin.js',
      timeoutMs,
      ...(flags === undefined ? {} : { flags }),
      ...(env === undefined ? {} : { env }),
    })
    return new Scene(t, broker, options)
  }

  private constructor(t: TestContext, broker: SpawnedBroker, options: SceneOptions) {
    this.t = t
    this.broker = broker
    this.options = options
    this.memory = new MemoryWatch(this.pid)
  }

  get pid(): number {
    return this.broker.process.child.pid!
  }

  /** Starts clients of a protocol. */
  load(role: string, protocol: string, flags: Flags = {}): Load {
    const addr = this.broker.address(protocol)
    const load = new Load(this.options.tool, role, { protocol, addr, ...flags }, this.options.timeoutMs)
    this.t.after(() => load.stop())
    return load
  }

  /** Consumers, standing. */
  async consumers(protocol: string, flags: Flags = {}, timeoutMs?: number): Promise<Load> {
    const load = this.load('consume', protocol, flags)
    await load.wait('ready', timeoutMs)
    return load
  }

  /** Publishers, connected and at it. */
  async publishers(protocol: string, flags: Flags = {}, timeoutMs?: number): Promise<Load> {
    const load = this.load('publish', protocol, flags)
    await load.wait('ready', timeoutMs)
    load.tell('go')
    return load
  }

  async declare(protocol: string, flags: Flags): Promise<void> {
    await this.load('declare', protocol, flags).wait('done')
  }

  async bystander(protocol: string, flags: Flags = {}): Promise<Bystander> {
    const load = this.load('bystander', protocol, { target: `bystander.${protocol}`, rate: 100, size: 200, ...flags })
    const bystander = new Bystander(load, protocol)
    await load.wait('ready')
    return bystander
  }

  /** A counter or gauge of `/metrics`; labels as they stand there, `{listener="mqtt"}`. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://${this.broker.address('http')}/metrics`)
    const text = await response.text()
    const line = text.split('\n').find((each) => each.startsWith(`${name} `))
    return line === undefined ? NaN : Number(line.slice(name.length + 1))
  }

  /** Processor time over a while with nothing to do, as a share of one core. */
  async idleCpu(ms: number): Promise<number> {
    const before = cpuMs(this.pid)
    const began = performance.now()
    await sleep(ms)
    return (cpuMs(this.pid) - before) / (performance.now() - began)
  }

  eventually<T>(probe: () => T | Promise<T>, what: string, timeoutMs: number) {
    return eventually(probe, what, timeoutMs)
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
