import { failed } from '../../../src/base/index.ts'
import { compose, type Running } from '../../../src/compose.ts'
import type { Broker } from '../../../src/core/index.ts'
import type { StoreOptions } from '../../../src/log/index.ts'
import { knownSettings } from '../../../src/protocols.ts'
import { readSettings, type Logger } from '../../../src/server/index.ts'
import { SimDisk } from '../../../src/world/sim/sim-disk.ts'
import { SimNet } from '../../../src/world/sim/net.ts'
import { SimRandom } from '../../../src/world/sim/random.ts'
import { SimTime } from '../../../src/world/sim/time.ts'
import { Violation } from '../audit/index.ts'
import { Faults, planOf, type FaultKind, type Plan } from './faults.ts'
import type { Trace } from './trace.ts'

export const ports = { kafka: 9092, amqp: 5672, mqtt: 1883 }

/** Small everything, so that a short run seals, checkpoints, settles and recycles. */
function sizesOf({ checkpointMs }: Plan) {
  const store: Partial<StoreOptions> = {
    slotBytes: 32768,
    frameBytesMax: 16384,
    tailBytes: 5_000,
    checkpointBytes: checkpointMs * 1000,
    checkpointMs,
    slotsAhead: 1,
    slotsSpare: 1,
    reserveBytes: 0,
    // The average of what is published: both grow and are filled in turn.
    largeFrameBytes: 500,
    largeCommitBytes: 300,
    spans: {
      cacheBytesMax: 2 * 1024 * 1024,
      openFilesMax: 3,
      mergeAfterMs: 50,
      settleAfterMs: 60,
      spanBytesMax: 200_000,
      lookEveryMs: 30,
    },
  }
  return { store, core: { reopenMs: 100, reopenMsMax: 1000, retentionMs: 500 } }
}

function settingsOf() {
  const listen = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `127.0.0.1:${port}`]))
  const off = { 'mqtt-ws': 'off', http: 'off' }
  const read = readSettings({ data: 'data', listen: { ...listen, ...off } }, knownSettings())
  if (failed(read)) throw new Error(read.detail)
  return read.ok
}
const settings = settingsOf()

/** How long the broker may take to start once nothing is wrong with the disk, ms. */
const startMsMax = 120_000

/** One computer with one broker on it: a disk, a clock, a net, and all that can go wrong with them, from one seed. */
export class Machine {
  readonly time = new SimTime()
  readonly net: SimNet
  readonly faults: Faults
  readonly trace: Trace
  /** Of whoever plans what happens next; the broker and the net have their own. */
  readonly random: SimRandom
  disk: SimDisk
  boots = 0
  /** The broker has said that stored bytes are damaged. */
  damageTold = false
  private readonly seed: number
  private process: ReturnType<SimTime['process']> | null = null
  private running: Running | null = null

  constructor(seed: number, trace: Trace) {
    this.seed = seed
    this.trace = trace
    this.random = this.stream(1)
    this.net = new SimNet(this.time, this.stream(2))
    const plan = planOf(this.random)
    this.faults = new Faults(plan, this.stream(3))
    this.disk = new SimDisk(this.time, this.stream(4))
    this.disk.faults = this.faults
    this.net.terms = () => ({
      delayMsMax: 1 + this.net.random.below(plan.clientsSlow ? 20 : 3),
      windowBytes: plan.clientsSlow ? 512 << this.net.random.below(6) : 65536,
      chunkBytesMax: this.net.random.once(3) ? 20 + this.net.random.below(300) : 4096,
    })
  }

  /** Chance of its own, so that one more draw here changes nothing there. */
  stream(n: number): SimRandom {
    return new SimRandom(Math.imul(this.seed, 0x9e3779b1) + Math.imul(n, 0x85ebca77))
  }

  count(kind: FaultKind): void {
    this.faults.counts[kind]++
    this.trace.note('machine', kind)
  }

  get broker(): Broker {
    return this.running!.broker
  }

  get up(): boolean {
    return this.running !== null
  }

  /** Starts the broker, again and again while the disk is bad. Resolves when it is there. */
  async boot(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const process = (this.process = this.time.process())
      const stop = (): void => process.stop()
      const outside = { clock: this.time, timers: process, random: this.stream(100 + this.boots++), net: this.net }
      const { disk } = this
      const log = this.logger()
      const began = this.time.monotonic()
      const options = { outside: { ...outside, disk: () => disk, stop }, sizes: sizesOf(this.faults.plan) }
      const composed = await this.time.until(compose(settings, log, options), startMsMax).catch((error: unknown) => {
        throw new Violation('the start failed with an exception', { cause: error })
      })
      if (!failed(composed)) {
        this.running = composed.ok
        this.trace.note('machine', `up after ${Math.round(this.time.monotonic() - began)} ms`)
        return
      }
      this.trace.note('machine', `not up: ${composed.detail}`)
      if (!this.faults.trouble) throw new Violation(`it does not start: ${composed.detail}`)
      if (tries > 5) this.faults.trouble = false
      this.die(this.disk.killed())
      await this.time.advance(1000)
    }
  }

  /** What the broker says goes into the trace; a session that throws is a fault of ours, whatever it was told. */
  private logger(): Logger {
    const say = (level: string) => (message: string, fields?: object) => {
      this.trace.note('broker', `${level}: ${message} ${JSON.stringify(fields ?? {})}`)
      if (/^stored (?:messages|bytes) (?:are|were) damaged/.test(message)) this.damageTold = true
      const error = (fields as { error?: unknown } | undefined)?.error
      if (message.startsWith('a session failed')) throw error
    }
    const logger: Logger = {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      with: () => logger,
    }
    return logger
  }

  /** The power fails: what was not synced is kept, lost or torn. Or only the process dies: all that it wrote is there. */
  crash(kind: 'powerLost' | 'killed'): void {
    this.count(kind)
    this.die(kind === 'killed' ? this.disk.killed() : this.disk.crash())
  }

  private die(disk: SimDisk): void {
    this.process?.stop()
    this.running = null
    this.net.crash()
    disk.capacityBytes = this.disk.capacityBytes
    disk.faults = this.faults
    this.disk = disk
  }

  /** In order: what was staged is made durable. */
  async stop(): Promise<void> {
    this.count('stopped')
    const running = this.running!
    await this.time.until(running.stop(), startMsMax)
    this.die(this.disk.killed())
  }
}
