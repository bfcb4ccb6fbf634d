import type { StoredExtent } from '../../log/index.ts'
import { DiskError } from '../../world/index.ts'
import type { SettleOp } from '../facade/index.ts'
import { Copier } from '../publish/copier.ts'
import { addHistory, comesRound } from '../publish/history.ts'
import { place } from '../publish/place.ts'
import { publish } from '../publish/publish.ts'
import { storeRefuses } from '../publish/room.ts'
import type { SizeOf } from '../queue/ready-bytes.ts'
import { endOfDamage, readAgainMs } from '../read/read-on.ts'
import { StoredBatch } from '../shard/batches.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'
import { isReadable } from './readable.ts'
import { journalLeases } from './journal.ts'
import type { Lane, Leased } from './leased.ts'

export type Way = { to: 'tail' } | { to: 'deadLetter'; reason: string }

const readBytesMax = 1024 * 1024

/**
 * Takes records out of a subscription: a copy where they go, and settled here, in one commit (storage L8). Until their
 * bytes have been read nobody else gets them. Null: done; else it is under way. `sizeOf`: of those that are ready.
 */
export function moveOut(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  first: number,
  last: number,
  way: Way,
  sizeOf?: SizeOf,
): Promise<void> | null {
  leased.moved += lane.queue.withhold(first, last, sizeOf)
  if (way.to === 'deadLetter' && leased.policy.deadLetter === undefined) {
    settleMoved(shard, leased, lane, first, last)
    return null
  }
  return moveFrom(shard, leased, lane, first, last, way)
}

function moveFrom(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  from: number,
  last: number,
  way: Way,
): Promise<void> | null {
  let next = from
  while (next <= last) {
    if (isOver(shard, leased)) return null
    if (storeRefuses(shard) !== null) return later(shard, leased, lane, next, last, way)
    const read = shard.store.read(lane.partition.id, next, last + 1, readBytesMax)
    if (read instanceof Promise) {
      const first = next
      return read.then(
        (extents) => {
          if (isOver(shard, leased)) return undefined
          const moved = moveExtents(shard, leased, lane, extents, first, last, way)
          shard.stage.hard()
          return moveFrom(shard, leased, lane, moved, last, way) ?? undefined
        },
        (error: unknown) => {
          if (isOver(shard, leased)) return undefined
          return notRead(shard, leased, lane, first, last, way, error)
        },
      )
    }
    next = moveExtents(shard, leased, lane, read, next, last, way)
  }
  return null
}

/** What is damaged stays withheld, and the others are moved; what the disk did not give is asked for again. */
function notRead(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  first: number,
  last: number,
  way: Way,
  error: unknown,
): Promise<void> | undefined {
  try {
    const below = endOfDamage(shard, lane.partition, error, last + 1)
    return moveFrom(shard, leased, lane, below, last, way) ?? undefined
  } catch (failure) {
    if (!(failure instanceof DiskError)) throw failure
    return new Promise((resolve, reject) => {
      shard.world.timers.after(readAgainMs, () => {
        const moved = moveFrom(shard, leased, lane, first, last, way)
        if (moved === null) resolve()
        else moved.then(resolve, reject)
      })
    })
  }
}

/** The subscription has been dropped meanwhile, or nothing can be staged any more. */
function isOver(shard: Shard, leased: Leased): boolean {
  return shard.leased.get(leased.id) !== leased || shard.health.state === 'failed' || shard.stage.closed
}

/** There is no space: they stay where they are until there is. */
function later(shard: Shard, leased: Leased, lane: Lane, first: number, last: number, way: Way): Promise<void> {
  return new Promise((resolve) => {
    shard.whenStoreTakes.push(() => {
      const moved = moveFrom(shard, leased, lane, first, last, way)
      if (moved === null) resolve()
      else moved.then(resolve, resolve)
    })
  })
}

/** Returns the first offset that is still to be moved. */
function moveExtents(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  extents: readonly StoredExtent[],
  first: number,
  last: number,
  way: Way,
): number {
  for (const extent of extents) {
    const batch = new StoredBatch(lane.partition.index, extent)
    if (!isReadable(batch)) continue
    const from = batch.indexOf(Math.max(first, batch.baseOffset))
    const end = batch.indexOf(last + 1)
    if (end > from) copyOut(shard, leased, batch, from, end - from, way)
  }
  const lastExtent = extents.at(-1)
  const reached = lastExtent === undefined ? last + 1 : Math.min(last + 1, lastExtent.baseOffset + lastExtent.count)
  settleMoved(shard, leased, lane, first, reached - 1)
  return reached
}

function settleMoved(shard: Shard, leased: Leased, lane: Lane, first: number, last: number): void {
  lane.queue.done(first, last, 'any')
  journalLeases(shard, leased)
  shard.settled(leased)
}

function copyOut(shard: Shard, leased: Leased, batch: StoredBatch, first: number, count: number, way: Way): void {
  const { meta } = batch
  const runs = [first, count]
  if (way.to === 'tail') {
    const records = { batch: batch.bytes, foreign: batch.foreign, priority: meta.priority, ...expiry(meta.expiresAt) }
    const { publisher, address, history, hops } = meta
    store(
      shard,
      leased.log,
      new Copier(shard, records, { publisher, address, history, hops, messageId: null }),
      runs,
      meta.routes,
    )
    return
  }
  // A consumer that says no may do so for ever; what goes round by itself must end.
  const hops = way.reason === 'rejected' ? 0 : meta.hops + 1
  if (hops > shard.limits.hopsMax) return
  const { deadLetter } = leased.policy
  const own = meta.address?.levels ?? leased.log.spec.name
  const history = addHistory(shard, leased.log, meta, way.reason)
  const records = { batch: batch.bytes, foreign: batch.foreign, priority: meta.priority }
  if (deadLetter?.to === 'log') {
    const log = shard.catalogue.log(leased.log.spec.namespace, deadLetter.name ?? own)
    const state = log === undefined ? undefined : shard.logs.get(log.id)
    if (state === undefined || comesRound(history, state)) return
    const { address } = state
    store(
      shard,
      state,
      new Copier(shard, records, { publisher: meta.publisher, address, history, hops, messageId: null }),
      runs,
      [],
    )
  } else if (deadLetter?.to === 'space') {
    const space = shard.catalogue.space(leased.log.spec.namespace, deadLetter.space)
    if (space === undefined) return
    const address = { space: space.id, levels: deadLetter.levels ?? own }
    const copier = Copier.cut(shard, records, batch.table, runs, {
      publisher: meta.publisher,
      address,
      history,
      hops,
      messageId: null,
    })
    publish(shard, { to: [address], copier, atMostOnce: false, except: 0 })
  }
}

const expiry = (expiresAt: number | null): { expiresAt?: number } => (expiresAt === null ? {} : { expiresAt })

function store(shard: Shard, log: LogState, copier: Copier, runs: readonly number[], routes: readonly number[]): void {
  for (const { partition, runs: cut } of place(shard, log, copier.records.priority ?? 0, () => copier.table, runs)) {
    copier.append(partition, cut, routes)
  }
}

/** Of what is leased in the range: those that have had their last attempt go. Returns how many. */
export function exhaust(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  range: SettleOp['ranges'][number],
  moves: Promise<void>[],
): number {
  const { attemptsMax } = leased.policy
  if (attemptsMax === undefined) return 0
  let records = 0
  const runs = lane.queue.leasedRuns(range.first, range.last, range.attempt)
  for (let r = 0; r < runs.length; r += 2) {
    for (let offset = runs[r]!; offset <= runs[r + 1]!; offset++) {
      if (lane.queue.attempt(offset) < attemptsMax) continue
      const moved = exhausted(shard, leased, lane, offset, offset)
      if (moved !== null) moves.push(moved)
      records++
    }
  }
  return records
}

/** They are not delivered any more. */
export function exhausted(
  shard: Shard,
  leased: Leased,
  lane: Lane,
  first: number,
  last: number,
  sizeOf?: SizeOf,
): Promise<void> | null {
  switch (leased.policy.exhausted ?? 'deadLetter') {
    case 'park':
      lane.queue.park(first, last, sizeOf)
      return null
    case 'discard':
      lane.queue.withhold(first, last, sizeOf)
      settleMoved(shard, leased, lane, first, last)
      return null
    case 'deadLetter':
      return moveOut(shard, leased, lane, first, last, { to: 'deadLetter', reason: 'exhausted' }, sizeOf)
  }
}
