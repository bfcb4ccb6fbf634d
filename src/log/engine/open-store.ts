import { assert } from '../../base/index.ts'
import { MemoryDisk, type World } from '../../world/index.ts'
import { frameLayout } from '../frame/index.ts'
import { slotFolder, slotPath } from '../journal/slots.ts'
import { Tail } from '../journal/tail.ts'
import type { Machine, Store } from '../store.ts'
import { JournalStore } from './journal-store.ts'
import { NoSpans } from './no-spans.ts'
import { optionsFrom, type StoreOptions } from './options.ts'
import { Partitions } from './partitions.ts'
import { HeldSegments } from './segments.ts'
import { StoreRefused } from './refused.ts'

export interface OpenStoreTerms {
  /** `disk` only with a `directory`. */
  world: Omit<World, 'disk'> & Partial<Pick<World, 'disk'>>
  /** The data folder; or `memory`: nothing outlives the process. */
  directory?: string
  memory?: boolean
  machine: Machine
  options?: Partial<StoreOptions>
}

/**
 * Opens the data folder, rebuilds the machine's state, and resolves when the store takes commits. Rejects with
 * `StoreRefused` (in use, of a newer release), with `Damaged` (bytes that were once whole), or with a `DiskError`.
 */
export async function openStore(terms: OpenStoreTerms): Promise<Store> {
  const { world, directory, machine } = terms
  const memory = directory === undefined
  const options = optionsFrom(terms.options ?? {}, memory)
  assert(memory || world.disk !== undefined, 'a folder needs a disk')
  const disk = memory ? new MemoryDisk() : world.disk!(directory)
  const lock = await disk.lock()
  if ('error' in lock) throw new StoreRefused(lock)
  const thread = disk.commitThread(frameLayout)
  const tail = new Tail(options.tailBytes)
  const held = new HeldSegments(tail)
  const { clock, timers, random } = world
  await disk.makeFolder(slotFolder)
  const parts = {
    disk,
    lock: lock.ok,
    clock,
    timers,
    thread,
    machine,
    options,
    partitions: new Partitions(),
    held,
    tail,
  }
  const end = {
    journalId: random.bytes(16),
    epoch: 1,
    lsn: 0,
    number: 1,
    commit: 0,
    chain: Buffer.alloc(16),
    timeMs: 0,
  }
  const store = new JournalStore(parts, { end, active: null, nextSeq: 1 })
  store.begin(new NoSpans(disk, slotPath))
  machine.recovered()
  await store.committer.fence()
  return store
}
