import { SimDisk } from '../../../world/sim/sim-disk.ts'
import { SimRandom } from '../../../world/sim/random.ts'
import { SimTime } from '../../../world/sim/time.ts'
import { openStore, type DurableStore, type StoreOptions, type Undecided } from '../../index.ts'
import { SumMachine, Workload } from './model.ts'

/** Small everything, so that a short run seals, checkpoints, settles and recycles. */
export const smallOptions: Partial<StoreOptions> = {
  slotBytes: 65536,
  frameBytesMax: 16384,
  tailBytes: 20_000,
  checkpointBytes: 150_000,
  checkpointMs: 5000,
  slotsAhead: 1,
  slotsSpare: 1,
  reserveBytes: 0,
  largeCommitBytes: 2000,
}

export interface Run {
  time: SimTime
  disk: SimDisk
  store: DurableStore
  work: Workload
}

export function newDisk(seed: number): { time: SimTime; random: SimRandom; disk: SimDisk } {
  const time = new SimTime()
  const random = new SimRandom(seed)
  return { time, random, disk: new SimDisk(time, random) }
}

export async function openOn(
  disk: SimDisk,
  time: SimTime,
  options: Partial<StoreOptions> = {},
  before: Workload | null = null,
  undecided: Undecided = { place: null },
): Promise<Run> {
  const machine = new SumMachine()
  // Another id for each journal, the same in each run.
  const world = { clock: time, timers: time, random: new SimRandom(disk.operations + 1), disk: () => disk }
  const terms = { world, directory: 'data', machine, undecided }
  const opening = openStore({ ...terms, options: { ...smallOptions, ...options } })
  // What was found, before the store commits anything of its own.
  const { store, found } = await time.until(opening.then((opened) => ({ store: opened, found: opened.durable })))
  return { time, disk, store, work: new Workload(store, machine, before, found) }
}

/** Commits what is staged and waits until it is durable. */
export async function commit({ store, time }: Run): Promise<void> {
  const number = store.staging
  store.hard()
  await time.until(
    new Promise<void>((resolve) => {
      store.onProgress(() => {
        if (store.durable >= number) resolve()
      })
    }),
  )
}
