import type { Clock, Random, Timers } from './clock.ts'
import type { Disk } from './disk.ts'

/** Everything outside the process that the log and the core may reach. */
export interface World {
  clock: Clock
  timers: Timers
  random: Random
  /** The disk whose root is this folder, which is made when it is missing. */
  disk(folder: string): Disk
}
