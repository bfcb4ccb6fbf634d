import { assert } from '../../base/index.ts'
import { MemoryDisk, type Disk, type Lock, type World } from '../../world/index.ts'
import { checkpointFolder } from '../checkpoint/index.ts'
import { frameLayout } from '../frame/index.ts'
import type { ActiveSegment, JournalEnd, Undecided } from '../journal/journal.ts'
import { checkUnreadable } from '../journal/slot-files.ts'
import { slotFolder, slotPath } from '../journal/slots.ts'
import { Tail } from '../journal/tail.ts'
import { SpanSet } from '../span-set/index.ts'
import type { DurableStore } from '../snapshot.ts'
import type { Machine } from '../store.ts'
import { JournalStore, type StoreParts } from './journal-store.ts'
import { optionsFrom, type StoreOptions } from './options.ts'
import { Partitions } from './partitions.ts'
import { recover, survey, wipeRest, type Recovered, type Survey } from './recovery.ts'
import { Presence } from './presence.ts'
import { StoreRefused } from '../refused.ts'
import { HeldSegments } from './segments.ts'
import { syncFound } from './sync-found.ts'
import { takeAway } from './undecided.ts'
import { EngineHost } from './span-host.ts'

export interface OpenStoreTerms {
  /** `disk` only with a `directory`. */
  world: Omit<World, 'disk'> & Partial<Pick<World, 'disk'>>
  /** The data folder; or `memory`: nothing outlives the process. */
  directory?: string
  memory?: boolean
  machine: Machine
  options?: Partial<StoreOptions>
  /** Told of trouble in the background that is tried again: a checkpoint, a settling; or of damage met there. */
  report?: (error: Error) => void
  /** One for all stores that this process opens on the folder, one after the other. */
  undecided?: Undecided
}

/** In a data folder to which a backup is being restored; it goes when all of it is there. */
export const unfinishedRestore = 'restore.partial'

/**
 * Opens the data folder, rebuilds the machine's state, and resolves when the store takes commits. Rejects with
 * `StoreRefused` (in use, of a newer release), with `Damaged` (bytes that were once whole), or with a `DiskError`.
 */
export async function openStore(terms: OpenStoreTerms): Promise<DurableStore> {
  const { world, directory } = terms
  const memory = directory === undefined
  assert(memory || world.disk !== undefined, 'a folder needs a disk')
  const disk = memory ? new MemoryDisk() : world.disk!(directory)
  // Before anything is written there: perhaps it is the folder that another file system was mounted on.
  if (terms.undecided?.journalId !== undefined && (await disk.list(slotFolder)).length === 0) throw journalGone()
  const lock = await disk.lock()
  if ('error' in lock) throw new StoreRefused(lock)
  try {
    return await openLocked(terms, disk, lock.ok, optionsFrom(terms.options ?? {}, memory))
  } catch (error) {
    await lock.ok.release()
    throw error
  }
}

/** What a restore that did not come to its end has left is nobody's data. Throws `StoreRefused`. */
export async function mustBeRestored(disk: Disk): Promise<void> {
  if ((await disk.stat(unfinishedRestore)) === null) return
  const detail = 'a restore into this data folder was not finished: remove the folder and restore again'
  throw new StoreRefused({ error: 'unavailable', detail })
}

async function openLocked(terms: OpenStoreTerms, disk: Disk, lock: Lock, options: StoreOptions): Promise<DurableStore> {
  const { world, machine, memory = terms.directory === undefined } = terms
  const { clock, timers, random } = world
  const undecided = terms.undecided ?? { place: null }
  await mustBeRestored(disk)
  await takeAway(disk, undecided)
  await disk.makeFolder(slotFolder)
  await disk.makeFolder(checkpointFolder)
  // A process that died may have made a slot whose name is not on the disk yet.
  await disk.syncFolder(slotFolder)
  const found = await survey(disk, terms.report ?? ignore)
  // Nothing is known of a journal without one readable header; but if there was one, it must not be written over.
  if (found.journalId === null) await checkUnreadable(disk, found.slots, null, 0, 1)
  if (undecided.journalId !== undefined && found.journalId?.equals(undecided.journalId) !== true) throw journalGone()
  const journalId = found.journalId ?? random.bytes(16)
  const tail = new Tail(options.tailBytes)
  const held = new HeldSegments(tail)
  const partitions = new Partitions()
  const hosted = {
    disk,
    clock,
    timers,
    machine,
    limits: options.spans,
    segmentBytes: options.slotBytes,
    report: terms.report ?? ignore,
  }
  const host = new EngineHost(hosted, journalId, partitions, held)
  for (const [segmentSeq, { slot }] of found.segments) host.slotOfSegment.set(segmentSeq, slot)
  const spans = new SpanSet(host)
  try {
    const recovered = await recover(disk, found, journalId, machine, partitions, held, spans)
    clock.goOnFrom?.(recovered.timeMs)
    if (recovered.wipe) await wipeRest(disk, found, recovered)
    await syncFound(disk, found, recovered, held, spans.adoptedThrough)
    await spans.recovered()
    // A process that died may have made folders whose names are not on the disk yet.
    await disk.syncFolder('.')
    const thread = disk.commitThread(frameLayout)
    const given = { disk, lock, clock, timers, thread, machine, options, memory, undecided }
    const parts: StoreParts = { ...given, partitions, held, tail }
    const store = await launch(parts, recovered, spans, host, found)
    undecided.journalId = journalId
    return store
  } catch (error) {
    await spans.close()
    throw error
  }
}

async function launch(
  parts: StoreParts,
  recovered: Recovered,
  spans: SpanSet,
  host: EngineHost,
  found: Survey,
): Promise<DurableStore> {
  let store: JournalStore | null = null
  try {
    store = new JournalStore(parts, endOf(recovered), await activeOf(parts, recovered), spans, host, found)
    await store.start(found, recovered)
    watchPresence(store)
    return store
  } catch (error) {
    await (store === null ? parts.thread.close() : store.abandon())
    throw error
  }
}

const journalGone = (): StoreRefused => {
  const detail = 'the journal that was open is not in the data folder any more; is its file system mounted?'
  return new StoreRefused({ error: 'unavailable', detail })
}

function watchPresence(store: JournalStore): void {
  const { journal, committer, parts } = store
  const { disk, clock } = parts
  const slot = (): number | undefined => journal.active?.slot
  const presence = new Presence(disk, clock, slot, (error) => committer.fail(error))
  store.onProgress(() => presence.look())
}

const ignore = (): void => undefined

function endOf({ expected, epoch, commit, timeMs }: Recovered): JournalEnd {
  const { journalId, lsn, number, chain } = expected
  return { journalId, epoch: epoch + 1, lsn, number, commit, chain: chain!, timeMs }
}

/** Opens the segment to go on in. */
async function activeOf({ thread, options }: StoreParts, recovered: Recovered): Promise<ActiveSegment | null> {
  const { active } = recovered
  if (active === null) return null
  const { header, position } = active
  return {
    seq: active.segmentSeq,
    slot: active.slot,
    file: await thread.open(slotPath(active.slot), options.durability === 'fsync'),
    position,
    segmentBytes: header.segmentBytes,
    firstFrame: header.firstFrame,
    startLsn: header.startLsn,
  }
}
