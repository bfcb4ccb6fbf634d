import { SimDisk } from '../../world/sim/sim-disk.ts'
import { SimRandom } from '../../world/sim/random.ts'
import { SimTime } from '../../world/sim/time.ts'
import { Stand } from './stage.ts'

/** A broker on a disk that loses what was not synced, tears what was being written, and takes its time. */
export class Crashing extends Stand {
  readonly random: SimRandom
  private sim: SimDisk

  constructor(seed: number) {
    const time = new SimTime()
    const random = new SimRandom(seed)
    const sim = new SimDisk(time, random)
    super('journal', sim)
    this.time = time
    this.random = random
    this.sim = sim
    this.storeOptions.checkpointMs = 20 + random.below(200)
    this.slow()
  }

  private slow(): void {
    const mostMs = 1 + this.random.below(10)
    this.sim.faults = { fail: () => null, delayMs: () => this.random.below(mostMs * 10) / 10 }
  }

  override async crash(): Promise<void> {
    this.broker.kill()
    this.disk = this.sim = this.random.once(3) ? this.sim.killed() : this.sim.crash()
    this.slow()
    await this.start()
  }
}
