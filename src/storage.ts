import type { Outcome } from './base/index.ts'
import { openBroker, type Broker, type BrokerLimits } from './core/index.ts'
import {
  Damaged,
  defaultOptions,
  openStore,
  StoreRefused,
  type DurableStore,
  type Health,
  type Machine,
  type StoreOptions,
  type Undecided,
} from './log/index.ts'
import type { Logger, Settings } from './server/index.ts'
import { StorageLog } from './storage-log.ts'
import { DiskError, type World } from './world/index.ts'

/** The core over its log, open. */
export interface Storage {
  broker: Broker
  /** Of the moment: after a failure of the disk the core opens another one. */
  store(): DurableStore
  health(): Health
  close(): Promise<void>
}

/** Over what settings and defaults say: smaller ones for tests. */
export interface Sizes {
  store?: Partial<StoreOptions>
  core?: Partial<BrokerLimits>
}

/** Opens the data folder (or memory), recovers what is there, and puts the core on it. */
export async function openStorage(
  settings: Settings,
  log: Logger,
  { clock, timers, random, disk }: World,
  { sizes = {}, readingMax }: { sizes?: Sizes | undefined; readingMax: number },
): Promise<Outcome<Storage>> {
  const world = { clock, timers, random }
  const { data, durability, limits } = settings
  const told = new StorageLog(log, world, data)
  const undecided: Undecided = { place: null }
  let store: DurableStore | undefined
  const openOne = (machine: Machine): Promise<DurableStore> => {
    const place = data === 'memory' ? {} : { directory: data }
    const options = { durability, ...optionsOf(settings, readingMax), ...sizes.store }
    const report = (error: Error): void => told.trouble(error)
    return openStore({ world: { ...world, disk }, machine, options, report, undecided, ...place })
  }
  const open = async (machine: Machine): Promise<DurableStore> => {
    try {
      const opened = await openOne(machine)
      told.opened()
      if (opened.health.state !== 'ok') told.changed(opened.health)
      opened.onHealth((health) => told.changed(health))
      return (store = opened)
    } catch (error) {
      // The first time nobody goes on, and whoever starts the process is told.
      if (store !== undefined) told.notOpened(error as Error)
      throw error
    }
  }
  try {
    const broker = await openBroker({
      ...world,
      openStore: open,
      report: (trouble) => told.notRead(trouble),
      receiverFailed: (error, client) =>
        log.error('a session failed; its connection is closed', { client: client?.address, error }),
      options: { durability, stagedBytesMax: stagedBytesMax(limits.memoryBytes), ...sizes.core },
    })
    return { ok: { broker, store: () => store!, health: () => told.health, close: () => broker.shutdown() } }
  } catch (error) {
    return explain(error, data)
  }
}

/** When publishers are told so: half of what may wait for the disk, see `Memory` of the server. */
const stagedBytesMax = (memoryBytes: number): number => memoryBytes / 32

/** A broker in memory keeps its own, smaller sizes. */
function optionsOf({ storage, data }: Settings, openFilesMax: number): Partial<StoreOptions> {
  const { cacheBytes, tailBytes, segmentBytes, checkpointBytes, mergeAfterMs } = storage
  const spans = { ...defaultOptions.spans, cacheBytesMax: cacheBytes, openFilesMax, mergeAfterMs }
  // Frames are cut at 4 KiB, and so are the files that hold them.
  return data === 'memory'
    ? { spans }
    : { spans, tailBytes, checkpointBytes, slotBytes: segmentBytes - (segmentBytes % 4096) }
}

/** What an operator can mend is told in a sentence; all else is a fault of ours and goes on as it is. */
function explain(error: unknown, data: string): Outcome<never> {
  if (error instanceof StoreRefused) return error.failure
  if (error instanceof Damaged) {
    const detail = `${data} is damaged: ${error.message}; dragoman check --data ${data} says what is lost, dragoman repair goes on without it`
    return { error: 'unavailable', detail }
  }
  if (error instanceof DiskError) return { error: 'unavailable', detail: `data folder ${data}: ${error.message}` }
  throw error
}
