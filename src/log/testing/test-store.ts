import { MemoryDisk, type Disk } from '../../world/index.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { openStore, type StoreOptions } from '../index.ts'
import { defaultSpanLimits } from '../span/index.ts'
import type { Life, Machine, Store } from '../store.ts'

/** A core that knows only which records are done with. It outlives the store, as its own checkpoint would. */
export class TestMachine implements Machine {
  readonly lives = new Map<number, Life>()
  /** Of a partition with an entry here the records below are done with, but those in `stuck`. */
  readonly consumed = new Map<number, number>()
  readonly stuck = new Set<string>()

  restore(): void {}
  apply(): void {}
  applyExtent(): void {}
  recovered(): void {}
  checkpoint(): null {
    return null
  }

  needed(partition: number, first: number, last: number): boolean {
    if (last >= (this.consumed.get(partition) ?? 0)) return true
    for (let offset = first; offset <= last; offset++) if (this.stuck.has(`${partition}/${offset}`)) return true
    return false
  }

  life(partition: number): Life {
    return this.lives.get(partition) ?? 'days'
  }
}

/** Everything small, so that a test of a few megabytes goes through segments, spans and checkpoints. */
export const smallOptions: Partial<StoreOptions> = {
  slotBytes: 256 * 1024,
  frameBytesMax: 64 * 1024,
  tailBytes: 64 * 1024,
  checkpointBytes: 512 * 1024,
  checkpointMs: 5000,
  slotsAhead: 1,
  slotsSpare: 1,
  reserveBytes: 0,
  spans: { ...defaultSpanLimits, cacheBytesMax: 2 * 1024 * 1024 },
}

/** In real life a second is long; here nothing happens in it unless promises get their turns. */
const workTurns = 40

/** A store on a disk in memory, with time that passes only when it is told to. */
export class TestStore {
  readonly disk: Disk
  readonly machine: TestMachine
  readonly time: SimTime
  readonly options: Partial<StoreOptions>
  store!: Store
  /** What was appended: `partition/offset` to a number from which the payload follows. */
  readonly sizes = new Map<string, number>()

  constructor(
    options: Partial<StoreOptions> = {},
    disk: Disk = new MemoryDisk(),
    machine = new TestMachine(),
    time = new SimTime(),
  ) {
    this.disk = disk
    this.machine = machine
    this.time = time
    this.options = { ...smallOptions, ...options }
  }

  async open(): Promise<Store> {
    const { time, disk, machine, options } = this
    const world = { clock: time, timers: time, random: new SimRandom(7), disk: () => disk }
    this.store = await time.until(openStore({ world, directory: 'data', machine, options }))
    return this.store
  }

  async reopen(): Promise<Store> {
    await this.time.until(this.store.close())
    return this.open()
  }

  /** Appends one batch of one record; its payload follows from partition and offset. */
  append(partition: number, bytes: number): void {
    const { next } = this.store.bounds(partition)
    const facts = { baseOffset: next, count: 1, maxTimestamp: 0, appendTime: 0, flags: 0, meta: Buffer.alloc(0) }
    this.store.stageExtent(partition, facts, this.store.stagePayload(payloadOf(partition, next, bytes)))
    this.sizes.set(`${partition}/${next}`, bytes)
  }

  async commit(): Promise<void> {
    this.store.hard()
    const commit = this.store.staging
    for (let turn = 0; this.store.durable < commit && turn < 100; turn++) await this.time.advance(1)
  }

  /** Reads a partition from its start to its end; returns the offsets, and throws when a byte is wrong. */
  async readAll(partition: number, bytesMax = 20_000): Promise<number[]> {
    const { start, next } = this.store.bounds(partition)
    const offsets: number[] = []
    for (let from = start; from < next;) {
      const extents = await this.time.until(Promise.resolve(this.store.read(partition, from, next, bytesMax)))
      if (extents.length === 0) break
      for (const { baseOffset, count, batch } of extents) {
        const expected = payloadOf(partition, baseOffset, this.sizes.get(`${partition}/${baseOffset}`)!)
        if (!batch.equals(expected)) throw new Error(`partition ${partition}, offset ${baseOffset}: wrong bytes`)
        offsets.push(baseOffset)
        from = baseOffset + count
      }
    }
    return offsets
  }

  /** Lets `ms` pass in steps, so that what waits for real work gets its turn. */
  async pass(ms: number, stepMs = 1000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.time.advance(stepMs)
      for (let turn = 0; turn < workTurns; turn++) await this.time.settle()
    }
  }
}

export function payloadOf(partition: number, offset: number, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes, (partition * 131 + offset * 7) & 0xff)
  payload.write(`${partition}/${offset}`)
  return payload
}

export const range = (from: number, below: number): number[] => Array.from({ length: below - from }, (_, i) => from + i)
