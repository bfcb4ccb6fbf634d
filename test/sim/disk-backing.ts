import { openStore, type Machine, type Store, type StoreOptions, type Undecided } from '../../src/log/index.ts'
import { SimDisk } from '../../src/world/sim/sim-disk.ts'
import type { SimRandom } from '../../src/world/sim/random.ts'
import type { SimTime } from '../../src/world/sim/time.ts'
import type { Backing } from './simulate.ts'

/** Small everything, so that a short run seals, checkpoints, settles and recycles. */
const smallOptions: Partial<StoreOptions> = {
  slotBytes: 65536,
  frameBytesMax: 16384,
  tailBytes: 20_000,
  checkpointBytes: 150_000,
  checkpointMs: 400,
  slotsAhead: 1,
  slotsSpare: 1,
  reserveBytes: 0,
}

/** The real store over the simulated disk: a crash is the process's (all that was written stays) or the power's. */
export class DiskBacking implements Backing {
  readonly faults = { killed: 0, powerLost: 0 }
  private disk: SimDisk
  /** Of the process: a crash takes it along. */
  private undecided: Undecided = { place: null }
  private readonly time: SimTime
  private readonly random: SimRandom

  private readonly view: (store: Store) => Store

  /** `view`: what the core sees of the store, for variants that are broken on purpose. */
  constructor(time: SimTime, random: SimRandom, view: (store: Store) => Store = (store) => store) {
    this.view = view
    this.time = time
    this.random = random
    this.disk = new SimDisk(time, random)
    this.slowDown()
  }

  /** A disk whose every operation takes its time, so that crashes fall between any two. */
  private slowDown(): void {
    const slowestMs = 1 + this.random.below(20)
    const delayMs = (): number => this.random.below(slowestMs * 10) / 10
    this.disk.faults = { fail: () => null, delayMs }
  }

  async open(machine: Machine): Promise<Store> {
    const world = { clock: this.time, timers: this.time, random: this.random, disk: () => this.disk }
    const { undecided } = this
    return this.view(await openStore({ world, directory: 'data', machine, options: smallOptions, undecided }))
  }

  crash(): void {
    const killed = this.random.once(4)
    this.disk = killed ? this.disk.killed() : this.disk.crash()
    this.undecided = { place: null }
    this.faults[killed ? 'killed' : 'powerLost']++
    this.slowDown()
  }
}
